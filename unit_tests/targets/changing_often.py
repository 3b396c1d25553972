"""Pairs of statements as people change their minds most often, and such as only look alike.

Each is what was said first, behind a bar what was said later, and behind ">" what the first says from then on, where a
value is exchanged.
"""

from changing_later import read

_CHANGED = """
The party is at the Crown. | We moved the party to the Plough.
> The party is at the Plough.

My insurance is with Aviva. | I switched my insurance to Axa.
> My insurance is with Axa.

My pension is with Nest. | I moved my pension to Penfold.
> My pension is with Penfold.

The piano is in the hall. | We moved the piano to the study.
> The piano is in the study.

Our wedding is at Holme Hall. | We've moved our wedding to Ashby Manor.
> Our wedding is at Ashby Manor.

The meeting is in Leeds. | They moved the meeting to York.
> The meeting is in York.

The dog sleeps in the kitchen. | We moved the dog to the utility room.

My account is with Barclays. | I've switched my account from Barclays to Monzo.
> My account is with Monzo.

The reception is at the Old Mill. | The reception has been switched to the Corn Exchange.
> The reception is at the Corn Exchange.

Our board game night is at Ned's flat. | We moved board game night to the Swan.

My sister Ana lives in Leith. | Ana moved to York last week.
> My sister Ana lives in York.

I live in Leeds. | I moved to York last month.
> I live in York.

The rent is 575 pounds. | My landlord upped the rent to 610 pounds.
> The rent is 610 pounds.

My rent is £575. | My landlord put the rent up to 610.
> My rent is £610.

My surgery is on 3 June. | They brought my surgery forward to 27 May.
> My surgery is on 27 May.

My flight is on 3 May. | I rebooked my flight to 5 May.
> My flight is on 5 May.

The launch is on 3 May. | The launch slipped to 17 May.
> The launch is on 17 May.

The budget is 900 euros. | They bumped the budget to 1,100 euros.
> The budget is 1,100 euros.

The budget is 900 euros. | They slashed the budget to 700 euros.
> The budget is 700 euros.

My account is with Barclays. | I swapped Barclays for Monzo.

I use Firefox. | I switched from Firefox to Vivaldi.

The concert is on 3 May. | The concert was cancelled.

The exam is on 10 December. | The exam got bumped to 12 December.
> The exam is on 12 December.

The deadline is 30 June. | They pushed the deadline back to 15 July.
> The deadline is 15 July.

The review is on Tuesday. | The review was pushed out to Thursday.
> The review is on Thursday.

My dose is 50mg. | My dose was increased to 75mg.
> My dose is 75mg.

I take 50mg of sertraline. | My sertraline went up to 100mg.
> I take 100mg of sertraline.

I run 5km every day. | I run 8km every day now.
> I run 8km every day.

My commute takes 30min. | My commute takes 45min now.
> My commute takes 45min.

My suitcase weighs 10kg. | Correction: my suitcase weighs 12kg.
> My suitcase weighs 12kg.

My shift starts at 4pm. | My shift moved to 5pm.
> My shift starts at 5pm.

My mortgage rate is 4%. | My mortgage rate went up to 5%.
> My mortgage rate is 5%.

Standup is at 9:30. | Standup moved to 10.
> Standup is at 10.

The call is at two o'clock. | The call was pushed to half three.
> The call is at half three.

Dinner is at seven. | Dinner was moved to eight.
> Dinner is at eight.

The exam is in June. | The exam was pushed to July.
> The exam is in July.

My due date is in March. | My due date is in April now.
> My due date is in April.

We fly to Crete in June. | We've moved our trip to Crete to September.

My boss is Priya. | Priya left, and my boss is Tom now.
> My boss is Tom.

My boss is Priya. | My new boss is Tom.
> My boss is Tom.

My dentist is Dr Bell. | My dentist is Dr Hart now.
> My dentist is Dr Hart.

Our landlord is Mr Pike. | Our landlord is Mrs Lowe these days.
> Our landlord is Mrs Lowe.

My favourite colour is green. | My favourite colour is blue now.
> My favourite colour is blue.

my favourite colour is green | actually my favourite colour is teal
> my favourite colour is teal

My favourite food is ramen. | My favourite food isn't ramen any more, it's pho.

My favourite food is ramen. | My favourite food is pho these days.
> My favourite food is pho.

My job title is data analyst. | My job title is data engineer now.
> My job title is data engineer.

My job title is data analyst. | My job title changed to data engineer.
> My job title is data engineer.

The hall is painted sage green. | We changed our minds: the hall is painted duck egg blue now.
> The hall is painted duck egg blue.

The kitchen is yellow. | The kitchen is white now.
> The kitchen is white.

My username is otterpaws. | My username is badgerpaws now.
> My username is badgerpaws.

My favourite band is the Paper Falcons. | My favourite band is the Tin Owls now.
> My favourite band is the Tin Owls.

I'm a vegetarian. | I'm not a vegetarian any more.

The meeting is on Tuesday. | The meeting is on Friday.
> The meeting is on Friday.

The party starts at 7 pm. | The party starts at 8 pm.
> The party starts at 8 pm.

My rent is 575 pounds. | My rent is 610 pounds.
> My rent is 610 pounds.

Our wedding is on 3 May. | Our wedding is on 10 May.
> Our wedding is on 10 May.

My boss is Priya. | My boss is Tom.
> My boss is Tom.

My wife is 40. | My wife is 41.
> My wife is 41.

The code is 2290. | The code is 7714.
> The code is 7714.

The deadline is 30 June. | The deadline is 15 July.
> The deadline is 15 July.

My phone number is 0171 555 0123. | My phone number is 0171 555 0456.
> My phone number is 0171 555 0456.

The gym costs 32 pounds a month. | The gym costs 38 pounds a month.
> The gym costs 38 pounds a month.

My due date is in June. | My due date is in July.
> My due date is in July.
"""

_STAYING = """
I live in Leeds. | We moved to York when I was six.

I live in Leeds. | I moved to York when I got my first job.

My mum lives in Leeds. | My mum moved to York when she was 20.

I live in Leeds. | As a child I moved to York.

I live in Leeds. | We moved to York back then.

I live in Leeds. | We moved to York years ago.

I live in Leeds. | In my twenties I moved to York.

I live in Leeds. | Growing up, we moved to York a lot.

I live in Leeds. | We moved to York after the war.

I live in Leeds. | I moved to York for two years.

I live in Leeds. | I moved to York before I met my wife.

The train leaves at 9:40. | The train back was moved to 18:20.

The train leaves at 9:40. | The return train was moved to 18:20.

The train leaves at 9:40. | The next train was moved to 10:20.

My lesson is on Monday. | My next lesson was moved to Thursday.

The train leaves at 9:40. | The other train was moved to 10:20.

My interview is on Monday. | My second interview was moved to Friday.

I have a meeting on Tuesday. | I have a meeting on Friday.

My sister is 20. | My sister is 25.

My lesson is on Monday. | My lesson is on Thursday.

The train leaves at 9:40. | The train leaves at 10:10.

My appointment is on Tuesday. | My appointment is on Friday.

My brother is Tom. | My brother is Sam.

My friend is Tom. | My friend is Sam.

My boss is Priya. | My boss is Priya Nair.

My daughter is 4. | My daughter is 7.

We have yoga on Monday. | We have yoga on Wednesday.

The meeting is on Tuesday. | The meeting is on Friday too.

The meeting is on Tuesday. | The meeting is on 5 May.

The meeting is on Tuesday. | Is the meeting on Friday?

The meeting with Anna is on Tuesday. | The meeting with Tom is on Friday.

The meeting is on Tuesday. | The board meeting is on Friday.

The meetings are on Tuesday. | The meetings are on Friday.

The shop opens at 9 am. | The shop opens at 10 am on Sundays.

The ticket costs 9 pounds. | The ticket costs 12 pounds.

My exam is on 3 May. | My exam is on 10 May.

The bus is at 7:30. | The bus is at 8:15.

My medicine is 50mg. | My other medicine is 75mg now.

My dose is 50mg. | My daughter's dose was increased to 75mg.

I take 50mg of sertraline. | My ramipril went up to 10mg.

I run 5km. | I cycle 20km now.

My favourite colour is green. | My daughter's favourite colour is blue now.

My favourite colour is green. | My favourite food is ramen now.

My favourite mug is blue. | My favourite mug is broken now.

My favourite pub is the Crown. | My favourite pub is closed now.

My boss is Priya. | My boss is angry now.

My boss is Priya. | My boss is in York now.

My boss is Priya. | My husband's boss is Tom now.

My old boss is Priya. | My boss is Tom now.

My car is red. | My car is broken now.

My job is a dream. | My job is stressful now.

My favourite soup is leek. | My favourite soup is cold now.

The party is at the Crown. | We moved the sofa to the Plough.

The party is at the Crown. | My sister moved her party to the Plough.

The piano is in the hall. | We moved the table to the study.

The meeting is at the office. | We moved the meeting to the afternoon.

The piano is in the hall. | We want to move the piano to the study.

My insurance is with Aviva. | My brother switched his insurance to Axa.

My car insurance is with Aviva. | I switched my home insurance to Axa.

The exam is in June. | They changed the exam in April.

The exam is in June. | My other exam was pushed to July.

My holiday is in June. | My sister's holiday was moved to July.

Standup is at 9:30. | The planning moved to 10.

My budget is 500 pounds. | The price went up to 610.

I have two cats. | I moved to 10 Mill Lane.

My rent is 575 pounds. | My neighbour's rent was put up to 610.

I left school at 16. | I left my umbrella at school.

My cello is from 1890. | My aunt left the cello to me.

The piano is in the hall. | My back hurts from moving the piano.

My daughter plays the piano. | I used to play the piano.

I walk the dog at noon. | I walk the dog by the river now and then.

The slides are due on Monday. | There's a mistake in the slides from Friday.

My rent is 575 pounds. | My rent is 610 pounds if I take the garage.

I play padel on Monday. | I also play padel on Friday now.
"""

_CHANGED_LATER = """
The dentist appointment is at 3pm. | Dentist got pushed to half four.

My team lead is Marta. | My team lead is Joao now, Marta went to another company.
> My team lead is Joao.

My car is a Golf. | I swapped the Golf for a Polo.

Our office is in Camden. | Our office moved to Hackney.
> Our office is in Hackney.

Our office is in Camden. | The office has relocated to Hackney.
> Our office is in Hackney.

My therapist is Dr Lind. | I've switched to Dr Osei as my therapist.

I go to PureGym. | I switched from PureGym to Anytime Fitness.
> I go to Anytime Fitness.

My weight is 82kg. | I'm down to 79kg.

I weigh 82kg. | I weigh 79kg now.
> I weigh 79kg.

My alarm is set for 6:30. | I changed my alarm to 6.
> My alarm is set for 6.

Our anniversary dinner is at Luigi's. | We moved the dinner to Trattoria Nova.

The kids' bedtime is 8pm. | The kids' bedtime is 8:30pm now.
> The kids' bedtime is 8:30pm.

My flight is at 14:20. | My flight got delayed to 16:45.
> My flight is at 16:45.

My goal is 10000 steps a day. | I upped my goal to 12000 steps a day.
> My goal is 12000 steps a day.

I'm reading Dune. | I finished Dune and I'm reading Emma now.

My favorite song is Yesterday. | My favorite song is Heroes now.
> My favorite song is Heroes.

My shoe size is 42. | My shoe size is actually 43.
> My shoe size is 43.

I'm vegetarian. | I'm vegan now.

I have two kids. | We now have three kids!
> I have three kids.

Rent is £900. | Rent went up to £950.
> Rent is £950.

My rent is 900. | My rent was raised to 950.
> My rent is 950.

The interview is on Thursday at 10. | The interview was moved to Friday at 11.
> The interview is on Friday at 11.

My PT session is on Tuesdays. | My PT session is on Thursdays now.
> My PT session is on Thursdays.

I take 10mg of melatonin. | I cut my melatonin to 5mg.
> I take 5mg of melatonin.

The project is due in March. | The project slipped to May.
> The project is due in May.

The project is due on 3 March. | The due date was pushed back to 10 March.

I live in Porto. | I just moved to Lisbon!
> I live in Lisbon.

My parents live in Porto. | My parents relocated to Faro.
> My parents live in Faro.

My partner is Alex. | Alex and I broke up.

My password manager is LastPass. | I switched to Bitwarden.

My phone is a Pixel 7. | My phone is a Pixel 9 now.
> My phone is a Pixel 9.

My wedding venue is Holme Hall. | We changed the wedding venue to Ashby Manor.
> My wedding venue is Ashby Manor.

My manager's name is Ruth. | My manager's name is Dina now.
> My manager's name is Dina.

My daughter's teacher is Mrs Gale. | My daughter's teacher is Mr Finch this year.

The wifi password is tulip7. | The wifi password is daisy9 now.
> The wifi password is daisy9.

My bank is HSBC. | My bank is Monzo now.
> My bank is Monzo.

My budget for the trip is 2000 euros. | I raised the trip budget to 2500 euros.
> My budget for the trip is 2500 euros.

I usually wake up at 6am. | I wake up at 7am these days.
> I usually wake up at 7am.

My cat weighs 4kg. | My cat weighs 5kg now.
> My cat weighs 5kg.

My dog is 3. | My dog is 4 now.
> My dog is 4.

Our lease ends in August. | Our lease ends in October now.
> Our lease ends in October.

Pickup is at 17:00. | Pickup was changed to 17:30.
> Pickup is at 17:30.

My meeting with Sam is on Wednesday. | Sam moved our meeting to Thursday.
> My meeting with Sam is on Thursday.

My GP is Dr Webb. | Dr Webb retired; my GP is Dr Khan now.
> My GP is Dr Khan.

The name of my band is Fog Lamp. | We renamed the band to Tin Owl.

We're having lasagne on Friday. | Actually we're having curry on Friday.

My favourite season is autumn. | My favourite season is spring these days.

The wall is blue. | We repainted, the wall is green now.
> The wall is green.

My desk is by the window. | My desk has been moved to the corner.

My book club meets at Jo's house. | Book club moved to the library.

The gym is 30 pounds a month. | The gym is 35 pounds a month.
> The gym is 35 pounds a month.

The code for the gate is 4471. | The code for the gate is 8820.
> The code for the gate is 8820.

My email is a@b.org. | My email is c@d.org.
> My email is c@d.org.

The deadline is Friday. | The deadline is Monday.
> The deadline is Monday.

The budget is 5k. | The budget was raised to 6k.
> The budget is 6k.
"""
"""Written once the rules stood, by which 28 of these 55 were exchanged at first."""

_STAYING_LATER = """
I live in Porto. | We moved to Faro for the summer.

I live in Porto. | My office moved to Lisbon.

I live in Porto. | I moved to the third floor.

I live in Porto. | I moved to Porto from Lisbon in 2015.

I live in Porto. | I moved from Lisbon.

My party is at the Crown. | The band moved to the stage.

The piano is in the hall. | We moved the piano to the hall.

The piano is in the hall. | We moved the piano to the van this morning.

The car is in the garage. | I moved the car to the front.

The meeting is in Leeds. | I moved the meeting to my calendar.

The meeting is in Leeds. | They moved the meeting to Zoom.

My boss is Priya. | My boss is Italian.

My boss is Priya. | My boss is Italian now.

My boss is Priya. | My boss is away now.

My boss is Priya. | Actually my boss is Catholic.

My sister is Priya. | My sister is Buddhist now.

My favourite colour is green. | My favourite colour is everywhere now.

My favourite film is Alien. | My favourite film is on Netflix now.

My favourite film is Alien. | My favourite film is Swedish, actually.

My favourite jumper is green. | My favourite jumper is too small now.

My favourite dish is ramen. | My favourite dish is vegan now.

The kitchen is white. | The kitchen is green with mould now.

The light is red. | The light is green now.

I run 5km. | My sister ran 8km, actually.

My rent is 900. | I changed 950 euros into pounds.

The race is 10km. | The race was moved to 10 May.

I sleep 8 hours. | I slept 5 hours now.

The exam is in June. | The results were pushed to July.

The exam is in June. | I moved to July Street.

The flight is in May. | I moved in July.

My lease ends in May. | My new job starts in July now.

My appointment is at 9. | I pushed my car to 10 houses.

The call is at two o'clock. | I moved two chairs to the room.

I have a call at two. | My other call was moved to three.

Standup is at 9:30. | The retro moved to 10.

Standup is at 9:30. | We changed to 10 people.

My dose is 50mg. | My dose of ramipril was increased to 10mg.

I take 50mg of sertraline and 10mg of ramipril. | My dose was raised to 75mg.

My wife is 40. | My mother is 70.

The code is 2290. | The code is 7714 at the back door.

The deadline is 30 June. | The deadline is 15 July for students.

The party is on Friday. | The party is on Saturday if it rains.

The party was on Friday. | The party is on Saturday.

The wedding is on 3 May. | My cousin's wedding is on 10 May.

My number is 12. | My number is up.

My job is a joke. | My job is a nightmare now.

My job title is data analyst. | My husband's job title is data engineer now.

My manager is Ruth. | Ruth's manager is Dina now.

My first boss was Priya. | My boss is Tom now.

My pension is with Nest. | I moved my pension forms to Penfold Street.

The insurance is with Aviva. | I switched the light to red.

My account is with Monzo. | I moved 500 pounds from Monzo to Barclays.

The bus leaves at 7. | The second bus was moved to 8.

The lesson on Monday is hard. | My lesson next week was moved to Friday.

My son is 8. | My son is 9 on Friday.

The shop is at the corner. | They moved the shop to the left.

I was in Leeds. | I moved to York last month.

We have a meeting in Leeds. | They moved the meeting to York to save time.

My mum's birthday is on 2 May. | My birthday is on 3 May.

My birthday is on 2 May. | My birthday party is on 3 May.

My address is 12 Mill Lane. | My address is 14 Mill Lane.

My partner is Alex. | My partner is Scottish.

My wife is Ana. | My wife is Portuguese.

My brand is Levis. | My brand is cheaper now.

The theme is space. | The theme is boring now.
"""
"""Written with these, of which 16 of 65 were exchanged at first."""

OFTEN = read(_CHANGED) + read(_CHANGED_LATER)
STAYING_OFTEN = [(old, new) for old, new, _ in read(_STAYING) + read(_STAYING_LATER)]
