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

OFTEN = read(_CHANGED)
STAYING_OFTEN = [(old, new) for old, new, _ in read(_STAYING)]
