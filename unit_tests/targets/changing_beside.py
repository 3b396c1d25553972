"""Pairs of statements in which a value that changes stands beside others, or with what was said of it alone.

Each is what was said first, behind a bar what was said later, and behind ">" what the first says from then on.
"""

from changing_later import read

_REPEATED = """
I pay 340 pounds of rent and 60 pounds for heating. | My rent is now 370 pounds, and the heating is still 60 pounds.
> I pay 370 pounds of rent and 60 pounds for heating.

I pay 340 pounds of rent and 60 for heating. | My rent is still 340 pounds, but heating has gone up to 70 pounds.

Breakfast is at 7:30 and dinner at 19:00. | Breakfast is at 8:00 from now on, and dinner stays at 19:00.
> Breakfast is at 8:00 and dinner at 19:00.

I start at 8:00 and have my lunch at 12:30. | I start at 9:00 now and still have my lunch at 12:30.
> I start at 9:00 and have my lunch at 12:30.

The trip costs 340 pounds for me and 200 pounds for Ana. |
The trip now costs 360 pounds for me, still 200 pounds for Ana.
> The trip costs 360 pounds for me and 200 pounds for Ana.

I have piano lessons on Tuesday at six o'clock and again on Thursday. |
My piano lessons are on Monday and Thursday now.
> I have piano lessons on Monday at six o'clock and again on Thursday.

We practise on Tuesday and Thursday. | We practise on Monday now, Thursday stays.
> We practise on Monday and Thursday.

We practise on Tuesday and Thursday. | The Tuesday practice has moved to Monday.
> We practise on Monday and Thursday.

We practise on Tuesdays and Thursdays. | Practice has moved from Tuesday to Monday.
> We practise on Mondays and Thursdays.

The nurse comes on Mondays and Fridays at ten. | The nurse now comes on Wednesdays and Fridays.
> The nurse comes on Wednesdays and Fridays at ten.

I have a lesson with my tutor on Tuesday and Thursday. |
My tutor can't do Tuesdays any more, so from now on it's Monday and Thursday.
> I have a lesson with my tutor on Monday and Thursday.

I have yoga on Mondays and choir on Wednesdays. | Yoga has moved to Tuesdays, and choir is still on Wednesdays.
> I have yoga on Tuesdays and choir on Wednesdays.
"""
_OF_THE_OLD = """
My landlord is Mr Hargreave, who lives downstairs with a parrot. | My new landlord is Mrs Quist.
> My landlord is Mrs Quist.

My landlord is Mr Pike, who lives downstairs, and I like the flat. | My new landlord is Mr Lowe.
> My landlord is Mr Lowe, and I like the flat.

My boss is called Rosamund, and she once glued her own sleeve. | Rosamund has left, and my new boss is called Igor.
> My boss is called Igor.

My doctor is Dr Nakasone, who studied in Kyoto. | My doctor is Dr Falk now because Dr Nakasone has retired.
> My doctor is Dr Falk.

My dog walker is Ludovic, a student from Ghent. | My dog walker is now Femke.
> My dog walker is Femke.

My boss is a man called Piotr who collects umbrellas. | My boss is now called Gwendolyn.
> My boss is Gwendolyn.

My dentist is Dr Roe. She's on Mill Lane. | My dentist is Dr Abara now.
> My dentist is Dr Abara.

I have a lesson with Petra at her flat. | My lesson is with Greta now instead of Petra.
> I have a lesson with Greta.

My boss is Priya. My sister lives in Leith. | My new boss is Tom.
> My boss is Tom. My sister lives in Leith.

The wedding is on 22 August, my mother's birthday. | The wedding is on 29 August now.
> The wedding is on 29 August.

The concert is at the Saltworks, an old factory by the river. | The concert has moved to the Old Tannery.
> The concert is at the Old Tannery.

The team meets at the Crown, where we know the cook. | The team moved the meeting to the Plough.

I live in Rome, the capital, with two cats. | I live in Oslo now, not in Rome.
> I live in Oslo with two cats.

I live in Rome, my wife works in Milan. | I live in Oslo now, not in Rome.
> I live in Oslo, my wife works in Milan.

My flight is on 4 May, my return on 9 May. | My flight has been moved from 4 May to 5 May.
> My flight is on 5 May, my return on 9 May.

The exam is on 8 May, a week before my birthday on 15 May. | The exam has been moved from 8 May to 12 May.
> The exam is on 12 May.

I play at the Crown, my brother plays at the Fox. | I play at the Plough now, not at the Crown.
> I play at the Plough, my brother plays at the Fox.

I work at the Crown, the Plough and the Swan. | I work at the Fox now, not at the Crown.
> I work at the Fox, the Plough and the Swan.

My sister is called Ana. She lives in Leith. | My sister is called Anna, not Ana.
> My sister is called Anna. She lives in Leith.

My dentist is Dr Roe. She's on Mill Lane. | Sorry, my dentist is Dr Rowe.
> My dentist is Dr Rowe. She's on Mill Lane.

Our puppy's name is Bo, and he sleeps in the hall. | Our puppy's name is Max now.
> Our puppy's name is Max, and he sleeps in the hall.
"""
_TIMES = """
Lotte has swimming on Mondays at 6 pm. | Lotte's swimming is at 7, not at 6.
> Lotte has swimming on Mondays at 7.

I start work at 4:30 every morning, and we open at half past seven. | From next week I'll be starting at five instead
of half past four, since Esteban has got his own key.
> I start work at five every morning, and we open at half past seven.

Training is at six in the evening. | Training is at half past six from now on.
> Training is at half past six in the evening.

The pharmacy closes at six in the evening. | The pharmacy closes at two in the afternoon now.
> The pharmacy closes at two in the afternoon.

The pharmacy closes at six in the evening. | The pharmacy closes at 2 now.
> The pharmacy closes at 2.

I start work at half past four every morning. | I start work at five now.
> I start work at five every morning.

I start work at half past four every morning. | From Monday I start work at five.
> I start work at five every morning.

My bus goes at 8:10. | From Monday my bus goes at 8:20.
> My bus goes at 8:20.

My shift starts at 8 am. | From next month my shift starts at nine.
> My shift starts at nine.

Supper is at six with the kids. | Supper is at seven from now on.
> Supper is at seven with the kids.

The film is at quarter to nine. | The film has been moved from 8:45 to 9.15 pm.
> The film is at 9.15 pm.

I have judo on Mondays and Wednesdays at six. | Judo is at seven now.
> I have judo on Mondays and Wednesdays at seven.

We meet at half past six. | We meet at 6:45, not 6:30.
> We meet at 6:45.

We train on Tuesdays at 19:30. | Training is at 20:00 now.
> We train on Tuesdays at 20:00.

I take the train at 7:14. | My train leaves at 6:52 now.
> I take the train at 6:52.

We race on Saturdays at ten. | The race starts at eleven now.
> We race on Saturdays at eleven.

My pill is at 8 am. | My pill is at 8 pm now.
> My pill is at 8 pm.

I start at 4:30 and Ana starts at 5. | Ana starts at 6 now instead of 5 o'clock.
> I start at 4:30 and Ana starts at 6.
"""
_SAID_OTHERWISE = """
Dr Mbeki has put her on Calvadine, 10 milligrams a day. | Dr Mbeki has halved her Calvadine to 5 milligrams.
> Dr Mbeki has put her on Calvadine, 5 milligrams a day.

I take 50 mg of Sertraline. | My doctor has doubled my Sertraline to 100 mg.
> I take 100 mg of Sertraline.

My yoga class is on Wednesday. | My yoga class on Wednesday has been replaced by one on Saturday.
> My yoga class is on Saturday.

I go to a grief group on the first Wednesday of each month. | Wednesday's grief group has been replaced by a walk on
Saturdays.

My boss is a man called Piotr who collects umbrellas. | Piotr has retired, and my new boss is Gwendolyn, who used to
run a library on a boat.

The party is on 5 May. | Actually, I got muddled. The party is on 12 May.
> The party is on 12 May.

The party is on 5 May. | Hang on, that's not right. The party is on 12 May.
> The party is on 12 May.

My aim is to pass the B1 exam in November. | Actually, I was too ambitious. I'm only going to take the A2 exam.

I'm sitting the B1 exam in November. | I'm sitting the A2 exam instead.
> I'm sitting the A2 exam in November.

My flight is BA217 from gate C4. | The gate has changed to D9.
> My flight is BA217 from gate D9.

Our vet is Dr Lindqvist, and her practice is in an old bakery. | Our new vet is Dr Moss.
> Our vet is Dr Moss.

My driving instructor is Mortimer, a retired policeman. | My new driving instructor is Yolanda.
> My driving instructor is Yolanda.

My son is seven. | My son turned eight yesterday.
> My son is eight.

I run 30 kilometres a week. | My coach wants me to run 45 kilometres a week now.
> I run 45 kilometres a week.

I'm allergic to aspirin, so always check. | Correction: it's penicillin that I'm allergic to.
> I'm allergic to penicillin, so always check.

I'm allergic to kiwi. | It turns out I'm not allergic to kiwi but to mango.
> I'm allergic to mango.
"""

_STAYING = """
I run 30 kilometres a week. | I want to run 45 kilometres a week now.
My trainer wants me to run 30 kilometres a week. | My coach wants me to run 45 kilometres a week now.
My yoga class is on Wednesday. | My yoga class has been replaced by a walk on Saturday.
I'm allergic to nuts. | I'm allergic to eggs now.
I'm allergic to nuts. | I'm also allergic to eggs.
I'm allergic to nuts. | Sorry, I forgot to say that I'm allergic to eggs.
I'm allergic to nuts and eggs. | I was wrong, I'm allergic to mango, not nuts.
My son is allergic to nuts. | I'm not allergic to nuts but to eggs.
I'm not allergic to kiwi. | Correction: I'm allergic to mango.
I take vitamin B12. | I take vitamin D3 now.
I live near the M25. | The M4 is closed now.
My tutor is Ana. | My tutor is Ben.
My piano teacher comes on Mondays. | My new guitar teacher comes on Fridays.
My son's teacher is Mrs Roe. | My new teacher is Mr Falk.
I learned to ski at six with my dad. | I ski at seven with my dad now.
I stopped at one for lunch. | Lunch is at two now.
My locker is B4. | My desk is C7 now.
My son is seven. | My daughter turned eight yesterday.
The slides are due on Monday. | There's a mistake in the slides from Friday.
Dinner is at 6 pm. | Dinner is at 18:00 now.
We meet at half past six. | We meet at 6:30 now.
We train on Tuesdays at 19:30. | My train leaves at 6:52 now.
Ana trains on Tuesdays at 19:30. | The train leaves at 6:52 now.
I cook at six on Sundays. | The cook comes at seven now.
I want to book the hall at 9:00. | The book club is at 10:00 now.
I watch the news at 20:15. | My watch is at the jeweller's until 21:00 now.
I run with the Snail Pack on Sundays at nine. | I used to smoke a pack a day, but I quit at ten.
My lesson is on Tuesday. | From Monday the lesson costs 20 euros.
I wake at 8 am. | The shop opens at nine from next week.
I walk the dog at 7 every morning. | I walk the dog at 6 every evening now.
The office is open from Monday to Friday. | From Monday the office opens at nine.
I have swimming on Mondays and chess on Thursdays. | I have swimming on Thursdays and chess on Fridays now.
I have swimming on Mondays and chess on Thursdays. | Swimming is on Thursdays, chess on Fridays now.
I have yoga on Mondays and choir on Wednesdays. | Yoga has moved to Wednesdays, and choir is on Mondays now.
Breakfast is at 7:30 and dinner at 19:00. | Lunch is at 12:00 from now on, and dinner stays at 19:00.
I pay 340 pounds of rent and 60 for heating. | The insurance is 370 pounds now, and heating is still 60 pounds.
We practise on Tuesday and Thursday. | We practise on Thursday and Friday now.
We practise on Tuesday and Thursday. | Practice has moved to Monday.
I have judo on Mondays and Wednesdays at six. | Judo on Wednesdays is at seven now.
We practise on Tuesday and Thursday. | The practice on Tuesday was too early, so it's on Friday now.
The cleaner comes on Tuesdays and Thursdays. | The cleaner comes on Monday and Thursday mornings now.
The exam is on Friday, 8 May. | The exam has moved to Monday.
"""

BESIDE = read(_REPEATED) + read(_OF_THE_OLD) + read(_TIMES) + read(_SAID_OTHERWISE)
"""What was said first, then later, and what the first says from then on; ``None`` where it is left."""
STAYING_BESIDE = [(old, new) for old, _, new in (line.partition(" | ") for line in _STAYING.split("\n")) if old]
"""What was said first, and what was said later and changes nothing in it."""
