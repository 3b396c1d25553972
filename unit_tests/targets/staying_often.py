"""Pairs of statements that look like changes as people make them, in which nothing changes."""

_BEFORE = """
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
"""Written with the first of ``changing_often``: 9 were exchanged at first."""
_AFTER = """
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
"""Written with the second: 16 were exchanged at first, and so were two of ``WRONG``."""
_LAST = """
I live in Bristol. | My sister just moved to Bath.
I live in Bristol. | When I was a student I lived in Bath.
I live in Bristol. | I used to live in Bath.
I live in Bristol. | My company moved to Bath.
I live in Bristol. | We might move to Bath next year.
I live in Bristol. | I moved to Bristol from Bath.
I live in Bristol. | I grew up in Bath, and we moved to Wells when I was ten.
I live in Bristol. | My ex moved to Bath last month.
I live in Bristol. | I moved my business to Bath.
My doctor is Dr Webb. | My daughter's doctor is Dr Khan now.
My doctor is Dr Webb. | My doctor is on holiday now.
My best friend is Lou. | My best friend is pregnant now.
My cat is Mina. | My cat is a Persian, actually.
My dog is Rex. | My dog is Max's best friend now.
My favourite book is Emma. | My favourite book is missing now.
My favourite book is Emma. | My son's favourite book is Matilda now.
My favourite colour is blue. | My favourite colour at school was green, actually.
My favourite colour is blue. | My favourite colour is green in spring.
My favourite food is pizza. | My favourite food is pizza now.
My favourite food is pizza. | My favourite food is cold pizza now.
My favourite dessert is tiramisu. | My favourite dessert is homemade now.
The door is blue. | The back door is green now.
The front door is blue. | The door is open now.
The car is blue. | The new car is red.
My jumper is blue. | My jumper is red with dirt now.
My rent is 900 pounds. | My gym fee went up to 45 pounds.
My rent is 900 pounds. | My rent went up by 50 pounds.
My rent is 900 pounds. | My rent was 850 pounds.
My rent is 900 pounds. | My rent used to be 850 pounds.
My rent is 900 pounds. | My brother's rent is 850 pounds now.
My rent is 900 pounds. | They wanted to raise the rent to 950 pounds.
My rent is 900 pounds. | My boss raised my pay to 950 pounds.
My salary is 3000 pounds. | My bonus is 4000 pounds now.
The meeting is at 3pm. | I moved the car at 4pm.
The meeting is at 3pm. | The meeting after that was moved to 4pm.
The meeting is at 3pm. | The other meeting was moved to 4pm.
The meeting is at 3pm. | I moved lunch to 1pm because of the meeting.
The meeting is at 3pm. | The meeting room changed to 4.
The meeting is on Monday. | We moved Monday's meeting minutes to Friday's folder.
The meeting is on Monday. | The meeting was on Friday last week.
The meeting is on Monday. | After the meeting we moved to the pub on Friday.
The party is at my place. | We moved to the Plough after the party.
The party is at the Crown. | We moved the party decorations to the Plough.
The party is at the Crown. | The party was at the Plough last year.
The sofa is in the lounge. | We want to move the sofa to the study.
The sofa is in the lounge. | We moved the sofa to the left.
The sofa is in the lounge. | We moved the sofa bed to the study.
I have a lesson on Monday. | My lesson on Friday was cancelled.
I see Dr Webb on Monday. | I moved Dr Khan to Friday.
I take 50mg of sertraline. | My wife's sertraline went up to 100mg.
I take 50mg of sertraline. | I took 100mg of ibuprofen today.
I take 50mg of sertraline. | My doctor upped my ramipril to 10mg.
I run 5km on Mondays. | I now run 8km on Fridays.
I drink two coffees a day. | I switched to two teas.
I have two kids. | My brother has three kids now.
My train is at 7:30. | My train home is at 17:30 now.
My train is at 7:30. | I missed it, so I'm on the 8:00 train today.
My flight is on 3 May. | My return flight was moved to 9 May.
My flight is on 3 May. | My flight back was moved to 9 May.
My exam is on 3 June. | My resit was moved to 9 August.
My birthday is in June. | I moved my party to July.
My holiday is in June. | I moved my other holiday to July.
My passport expires in June. | I moved my holiday to July.
My insurance is with Aviva. | My insurance claim moved to Axa.
My insurance is with Aviva. | I'm thinking of switching my insurance to Axa.
My pension is with Nest. | Should I switch my pension to Penfold?
The deadline is 3 June. | The deadline for the other grant is 9 June.
The deadline is 3 June. | If we ask, the deadline is 9 June.
The budget is 500 pounds. | The budget is 500 pounds for food.
The interview is on Monday. | The interview is on Monday at 3.
My boss is Tom. | My boss is Tom's brother.
My manager is Ruth. | My manager is Ruth now, not Tom.
My team lead is Marta. | My team lead is Leo's mentor now.
My code is 2290. | The gate code is 7714.
My address is 12 Mill Lane. | My work address is 9 High Street.
My phone number is 0171 555 0123. | My work phone number is 0171 555 0456.
My wife is 40. | My wife is 5 foot 6.
My wife is 40. | My wife is 3 months pregnant.
My son is 8. | My son is 9 tomorrow.
My dog is called Rex. | My dog is called a rascal now.
The theme is jungle. | The theme is jungle animals now.
The title is Dust. | The title is Latin.
"""
"""Written with the last: 6 were exchanged at first."""
_BESIDE = """
My favourite colour is green. | My favourite colour isn't red but blue.
My boss is Priya. | My boss isn't Priya, it's complicated.
My boss is Priya. | My boss isn't Priya but strict.
My favourite food is ramen. | My favourite food isn't ramen, it's too salty.
My sister lives in Leith. | My sister moved to Dundee when she got the job.
I live in York. | We moved here from Leeds in my twenties.
"""
"""Written with the rules for them."""

STAYING_OFTEN = [
    (old, new)
    for part in (_BEFORE, _AFTER, _LAST, _BESIDE)
    for old, _, new in (line.partition(" | ") for line in part.split("\n"))
    if old
]
"""What was said first, and what was said later and changes nothing in it."""

WRONG = [
    ("My rent is 575 pounds.", "My neighbour put the rent up to 610."),
    ("My boss is Priya.", "My boss is Nair."),
    ("The kids are in year 4.", "The kids moved to year 5 books."),
]
"""Written with the others, and exchanged still: nothing in these words tells that it is not so."""
