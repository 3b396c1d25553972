"""Pairs of statements as people change their minds most often.

Each is what was said first, behind a bar what was said later, and behind ">" what the first says from then on, where a
value is exchanged.
"""

from changing_later import read

_BEFORE = """
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
> My favourite food is pho.

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
> My due date is in July."""
"""Written before what the code knows of changes was widened for them: 4 were exchanged at first."""
_AFTER = """
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
> The budget is 6k."""
"""Written after that: 28 of these 55 were exchanged at first."""
_LAST = """
My dentist appointment is on Tuesday at 3pm, and I'm nervous about it. |
They've moved my dentist appointment to Thursday at 4pm.
> My dentist appointment is on Thursday at 4pm, and I'm nervous about it.

I take 50mg of sertraline every morning. | My doctor upped my sertraline to 100mg.
> I take 100mg of sertraline every morning.

I live in Bristol with my partner Jo. | We've just moved to Bath!
> I live in Bath with my partner Jo.

My boss is called Helen and she's lovely. | Helen retired. My boss is called Marcus now.
> My boss is called Marcus.

The wedding is at St Mary's Church on 12 July. | We've moved the wedding to the Guildhall.
> The wedding is at the Guildhall on 12 July.

I work at Tesco as a baker. | I got a new job, I work at Waitrose now.

My son's school is Hillside Primary. | My son's school is Oakwood Academy now.
> My son's school is Oakwood Academy.

My favourite drink is gin. | My favourite drink is whisky now, I went off gin.
> My favourite drink is whisky.

Our standup is at 9:30 every day. | Standup got moved to 10 starting next week.
> Our standup is at 10 every day.

My car insurance is with Aviva and costs 420 pounds a year. | I switched my car insurance to Churchill.
> My car insurance is with Churchill and costs 420 pounds a year.

My mortgage is with Halifax. | We moved our mortgage to Nationwide last month.
> My mortgage is with Nationwide.

My hotel in Rome is booked for 5 May. | I rebooked the hotel in Rome for 8 May.
> My hotel in Rome is booked for 8 May.

My weight is 84kg. | My weight is 80kg now.
> My weight is 80kg.

I go to the gym three times a week. | I go to the gym twice a week now.

The tickets cost 45 pounds each. | Ticket prices went up to 50 pounds each.

My rent is due on the 1st. | My rent is due on the 5th now.
> My rent is due on the 5th.

My nickname is Bee. | My nickname is Bumble these days.
> My nickname is Bumble.

The living room is grey. | The living room is olive green now.
> The living room is olive green.

My landlord is Mr Pike, and he lives downstairs. | We have a new landlord, Mrs Lowe.

My meeting with Dana is at 11. | Dana pushed our meeting to half eleven.
> My meeting with Dana is at half eleven.

Choir is on Wednesdays. | Choir switched to Mondays.
> Choir is on Mondays.

My hourly rate is 25 pounds. | I raised my hourly rate to 30 pounds.
> My hourly rate is 30 pounds.

My flight to Oslo is on 3 May at 7:40. | My flight to Oslo was rescheduled to 9:15.
> My flight to Oslo is on 3 May at 9:15.

Mum's operation is in June. | Mum's operation was postponed to August.
> Mum's operation is in August.

The party is on Saturday. | Change of plan, the party is on Sunday.
> The party is on Sunday.

The password for the wifi is tulip. | The password for the wifi changed to daisy.

My grandma lives in Hull. | Grandma moved to Leeds last week.
> My grandma lives in Leeds.

My top speed is 30 km/h. | My top speed is 34 km/h now.
> My top speed is 34 km/h.
"""
"""Written after that: 19 of these 28 were exchanged at first."""
_BESIDE = """
My favourite colour is green. | My favourite colour is not green but blue.
> My favourite colour is blue.

My favourite colour is green. | My favourite colour is no longer green, it is blue.
> My favourite colour is blue.

My boss is Priya. | My boss is not Priya but Tom.
> My boss is Tom.

My username is otterpaws. | I changed my username to badgerpaws.
> My username is badgerpaws.

My job title is data analyst. | They changed my job title to data engineer.
> My job title is data engineer.

The launch is in July. | We brought the launch forward to June.
> The launch is in June.

My pension is with Nest. | My pension moved to Aviva.
> My pension is with Aviva.

We've got choir on weds at 7. | Choir has moved to Thurs.
> We've got choir on Thursday at 7.

My physio is on Wed at 10. | Physio's been moved to Fri.
> My physio is on Friday at 10.

The recipe needs 140 g of butter. | Scratch the 140, it's 160 g of butter.
> The recipe needs 160 g of butter.

My exam is on the 22nd of March. | The exam has been moved to the 29th.
> My exam is on the 29th of March.

My appointment is on 3 May. | It was pushed to the 10th.
> My appointment is on 10 May.

My son Leo is in third grade. | Leo is in fourth grade now.
> My son Leo is in fourth grade.

My flat is on the third floor. | I moved, my flat is on the fifth floor now.
> My flat is on the fifth floor.

The cover is due on 18 February and the fee is 1,400 euros. | We renegotiated and the fee is 1,650 now.
> The cover is due on 18 February and the fee is 1,650 euros.

The party is at 8. | No wait, the party is at 9.
> The party is at 9.

Ana lives in Leith. | Ana has moved to Dundee.
> Ana lives in Dundee.
"""
"""Written with the rules for them."""

OFTEN = read(_BEFORE) + read(_AFTER) + read(_LAST) + read(_BESIDE)
"""What was said first, then later, and what the first says from then on; ``None`` where it is left."""
