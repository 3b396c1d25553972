"""More pairs of statements where the later changes the earlier, written by somebody else than ``changing``.

Each is what was said first, behind a bar what was said later, and behind ">" what the first says from then on, where a
value is exchanged.
"""

_BEFORE = """
My cello lesson with Mr. Abernathy is every Tuesday at 5 p.m., and it lasts forty minutes. |
My cello lesson has moved: from next week it's on Friday.
> My cello lesson with Mr. Abernathy is every Friday at 5 p.m., and it lasts forty minutes.

We fly to Reykjavik on 4 October and stay at the Hotel Borg for six nights. |
Small correction about Iceland: we're flying on 6 October, not on the 4th.
> We fly to Reykjavik on 6 October and stay at the Hotel Borg for six nights.

My dentist appointment at the Parkside clinic is on 12 March at 9:40. |
The dentist rang: my appointment is now on 19 March, same time.

I pay my dog walker, Odette, 14 pounds an hour. | Odette has put her price up, so I now pay her 16 pounds an hour.
> I pay my dog walker, Odette, 16 pounds an hour.

The code for our bike shed is 2290. | They've changed the code of the bike shed; it's 7714 now.
> The code for our bike shed is 7714.

My cousin Ingeborg is getting married in Bergen on 22 August. |
I told you the wrong date: Ingeborg's wedding is on 29 August.

I work at the Larkspur Bakery in Penrith, and my shift starts at four in the morning. |
I have to start earlier these days, at half past three.

Our choir rehearses in St Cuthbert's hall every Thursday. |
The choir rehearses on Wednesdays now because the hall is let to a judo club.
> Our choir rehearses in St Cuthbert's hall every Wednesday.

Our choir rehearses in St Cuthbert's hall every Thursday. |
We no longer rehearse in St Cuthbert's hall; we're in the Quaker meeting house instead.

My daughter Saskia takes 5 ml of the syrup each night for her cough. | Dr Lovelace has changed Saskia's dose to 10 ml.

I'm running the Bristol half marathon on 17 May with my colleague Desta. |
Because of the heat the half marathon has been moved to 7 June.

There are eleven of us coming to the cabin at Lake Siljan. | Two more have joined, so we'll be thirteen at the cabin.

My manager is called Leopold Strand, and he hates emails. | Leopold has left, so my manager is Yevgenia Moss now.

Our new kitchen will cost 8,400 euros, and the fitters start on 2 February. |
The kitchen is dearer than I thought: 9,150 euros, not 8,400.
> Our new kitchen will cost 9,150 euros, and the fitters start on 2 February.

Our new kitchen will cost 8,400 euros, and the fitters start on 2 February. |
The fitters can't come in time, so they're starting on 16 February instead.
> Our new kitchen will cost 8,400 euros, and the fitters start on 16 February.

I take the 7:12 train to Leeds every morning. | They've changed the timetable, so my train to Leeds now goes at 7:26.
> I take the 7:26 train to Leeds every morning.

We named the puppy Truffle, and she sleeps in the laundry basket. |
We've changed our minds about the name: the puppy is called Pickle now.

Grandad's 90th birthday party is at the Red Lion on 11 April. |
The Red Lion flooded, so Grandad's party will be at the cricket club instead.

My book club meets on the first Monday of the month and we're reading The Leopard. |
Book club has switched to the second Tuesday of the month.

My physio, Aurelio, wants me to do 20 minutes of stretching a day. |
Aurelio says 20 minutes is not enough; I'm to do 35 minutes a day from now on.
> My physio, Aurelio, wants me to do 35 minutes of stretching a day.

The plumber is coming on Monday between eight and ten. | Scrap that, the plumber can only come on Wednesday.
> The plumber is coming on Wednesday between eight and ten.

My sister Philomena lives in Cardiff and teaches chemistry. | My sister has moved to Swansea with her partner.

I'm meeting the mortgage adviser on 3 July at 2 p.m. | The mortgage adviser had to cancel; we're meeting on 10 July now.
> I'm meeting the mortgage adviser on 10 July at 2 p.m.

My exam in organic chemistry is on 28 May in room B204. |
Sorry, I mixed up the dates: the organic chemistry exam is on 30 May.
> My exam in organic chemistry is on 30 May in room B204.

My exam in organic chemistry is on 28 May in room B204. | The exam won't be in room B204 but in room C110.
> My exam in organic chemistry is on 28 May in room C110.

We're having 60 guests at the wedding, and the caterer is called Plum & Pear. |
The guest list has grown: there will be 74 guests at the wedding.

My gym membership costs 32 pounds a month. | The gym has gone up: it's 38 pounds a month from July.

Our holiday cottage in Whitby is booked from 5 to 12 September. |
The owner of the cottage asked us to come a week later, so now it's 12 to 19 September.

Our team stand-up is at 9:15 in the Fern Room. | Our stand-up has been moved to 9:45, still in the Fern Room.
> Our team stand-up is at 9:45 in the Fern Room.

My locker at the pool is number 88. | I've been given another locker at the pool, number 103.

My son Bram has football practice on Mondays and Thursdays. |
Bram's football practice on Thursdays has moved to Fridays.
> My son Bram has football practice on Mondays and Fridays.

The band practises in Gustav's garage every Saturday. | Gustav sold the house, so the band practises at Nell's barn now.

I see my counsellor, Imelda, every second Wednesday at 11. | Imelda changed my slot: I see her at 12 now.

My allotment rent is 45 pounds a year. | The council wants 52 pounds for the allotment now.

My hearing test is at Broadgate Clinic on 8 December. | I got the day of my hearing test wrong, it's 9 December.
> My hearing test is at Broadgate Clinic on 9 December.

The deadline for my thesis is 15 September. |
My supervisor gave me two more weeks, so the thesis is due on 29 September.

We keep six ducks by the pond. | A fox got two of the ducks, so now there are four.

My nephew Alasdair is 7 and mad about trains. | Alasdair had his birthday yesterday, so he's 8 now.

I drive a red Skoda that I bought in 2015 for 6,000 pounds. | I've sold the Skoda and bought a blue Renault instead.

My bike is a green Dawes. | I made a mistake earlier, my bike is a grey Dawes.

My landlady is Mrs Oyelowo, and the rent is 690 pounds. | Mrs Oyelowo is putting the rent up to 735 pounds in April.
> My landlady is Mrs Oyelowo, and the rent is 735 pounds.

Our flight home is on 21 June at 18:20. | The airline has moved our flight home to 22 June at 16:05.
> Our flight home is on 22 June at 16:05.

I do yoga with Bettina on Tuesday evenings. | Yoga is off on Tuesdays; Bettina has moved us to Sunday mornings.

My surgery is scheduled for 6 February at the Royal. | My surgery has been brought forward to 30 January.
> My surgery is scheduled for 30 January at the Royal.

I'm saving 150 euros a month for a piano. | I've decided to save 200 euros a month for the piano instead.
> I'm saving 200 euros a month for a piano.

My neighbour Hilde feeds our cats while we're away. |
Hilde has broken her arm, so now my neighbour Joost feeds the cats.

The tiler charges 28 pounds a square metre. | It turns out the tiler charges 34 pounds a square metre.
> The tiler charges 34 pounds a square metre.

My mum's birthday is on 2 May. | Oops, my mum's birthday is the 3rd of May, of course.
> My mum's birthday is on 3rd of May.

My train arrives at 17:48 at King's Cross. | My train is running late and gets in at 18:20.

Our Spanish course is in room 12 on Mondays at seven. | The Spanish course is in room 15 from this week.

The meeting is on Tuesday at 2 pm. | The meeting has moved to Friday at 3 pm.
> The meeting is on Friday at 3 pm.

My violin exam is on 14 May at 10:15 in Carlow. | My violin exam has been moved to 21 May at 11:30.
> My violin exam is on 21 May at 11:30 in Carlow.

Our flight to Faro is on 3 June at 6:45. | Our flight to Faro has changed: it's on 4 June at 9:10 now.
> Our flight to Faro is on 4 June at 9:10.

The concert of my choir is on 3 May in the Minster. | I said the concert was on 3 May, but it's on 10 May.
> The concert of my choir is on 10 May in the Minster.

My hamster Quill is three years old. | I told you Quill was three, but he's four.
> My hamster Quill is four years old.

The ferry to Arran costs 48 pounds for the car. | I said the ferry costs 48 pounds, but it's 56 pounds.
> The ferry to Arran costs 56 pounds for the car.

My viva is on 9 June, and my examiner is Prof. Hallgrim. | Earlier I said 9 June, but my viva is on 19 June.
> My viva is on 19 June, and my examiner is Prof. Hallgrim.

My sailing course starts on 6 July. | I got the date of the sailing course wrong. It starts on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | I mixed something up: the sailing course starts on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | It turns out the sailing course doesn't start until 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | The sailing course is starting a week later than planned, on 13 July.

My sailing course starts on 6 July. | News about the sailing course: it starts on 13 July now.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | There's been a change to the sailing course, it'll start on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | The sailing course won't start on 6 July but on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. |
The sailing course had to be postponed because the instructor is ill; the new date is 13 July.

My sailing course starts on 6 July. | They've put the sailing course off until 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | One correction: the sailing course begins on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | Plans have changed, and we're starting the sailing course on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | Bad news: the sailing course has been delayed by a week, so it starts on 13 July.
> My sailing course starts on 13 July.

My sailing course starts on 6 July. | My sailing course has been shifted to 13 July, which suits me much better.
> My sailing course starts on 13 July.

I meet my Dutch tutor, Marijke, every Monday at the library. |
Marijke can't do Mondays any more, so now we meet on Thursdays.
> I meet my Dutch tutor, Marijke, every Thursday at the library.

I meet my Dutch tutor, Marijke, every Monday at the library. | Marijke and I have switched our lesson to Thursdays.

I meet my Dutch tutor, Marijke, every Monday at the library. | My Dutch lesson is no longer on Monday but on Thursday.

I meet my Dutch tutor, Marijke, every Monday at the library. | From now on Marijke teaches me on Thursdays.

I meet my Dutch tutor, Marijke, every Monday at the library. | A small change: I see Marijke on Thursdays from October.
> I meet my Dutch tutor, Marijke, every Thursday at the library.

My rent is 780 euros, and it includes the heating. | Bad news from my landlord: from March the rent is 840 euros.

My rent is 780 euros, and it includes the heating. | My landlord wants 840 euros from March on.

My rent is 780 euros, and it includes the heating. | The rent has gone up by 60 euros, so I pay 840 euros now.
> My rent is 840 euros, and it includes the heating.

I swim 40 lengths before work three times a week. | I've worked my way up to 60 lengths.
> I swim 60 lengths before work three times a week.

I swim 40 lengths before work three times a week. | I'm fitter now: I swim 60 lengths.
> I swim 60 lengths before work three times a week.

Our quiz team meets at the Plough every Wednesday at eight. | The quiz has moved to Thursdays, still at eight.

Our quiz team meets at the Plough every Wednesday at eight. |
The quiz team meets at the Swan now, because the Plough has closed.
> Our quiz team meets at the Swan every Wednesday at eight.

My goddaughter Esme turns six on 12 August. | Sorry, I gave you the wrong date. Esme's birthday is on 21 August.

I sit in office 312 with my colleague Bertrand. | We've been moved upstairs: I sit in office 507 now.
> I sit in office 507 with my colleague Bertrand.

I sit in office 312 with my colleague Bertrand. | My office isn't 312 any more; they gave me 507.

I take bus 14 to the hospital every Tuesday for dialysis. |
Bus 14 has been cancelled, so I take bus 27 to the hospital now.
> I take bus 27 to the hospital every Tuesday for dialysis.

My brother Kasper gets married on 5 September in Odense. | Kasper's wedding has been postponed to 3 October.

We have booked a table for six at Osteria Lucca on 8 March. |
Make it a table for eight at Osteria Lucca, my parents are coming too.

We have booked a table for six at Osteria Lucca on 8 March. | I had to change our booking at Osteria Lucca to 15 March.
> We have booked a table for six at Osteria Lucca on 15 March.

The car has its service on 11 November at Dunlop's garage. |
Dunlop's rang, they can't do the 11th, so the service is on 18 November.
> The car has its service on 18 November at Dunlop's garage.

My piano teacher, Mrs Vance, comes on Fridays at four. | Mrs Vance now comes on Saturdays.
> My piano teacher, Mrs Vance, comes on Saturdays at four.

My piano teacher, Mrs Vance, comes on Fridays at four. |
Mrs Vance will come at five from now on, because of her other pupil.
> My piano teacher, Mrs Vance, comes on Fridays at five.

My piano teacher, Mrs Vance, comes on Fridays at four. | Mrs Vance has asked me to come on Saturdays instead.

The vet will operate on our dog Tilly on 2 May. | Tilly's operation has been moved to 9 May.

My train to Ghent leaves at 8:04 from platform 3. | My train leaves at 8:34 instead, and from platform 5.

Our wedding is on 20 June, and 85 guests have said yes. | Four people have cancelled, so there are 81 guests now.

My savings goal is 5,000 pounds by Christmas. | I've raised my savings goal to 6,500 pounds.
> My savings goal is 6,500 pounds by Christmas.

My deposit for the flat was 1,200 euros. | I checked the contract: the deposit was 1,350 euros, not 1,200 euros.
> My deposit for the flat was 1,350 euros.

My deposit for the flat was 1,200 euros. | I looked it up, and my deposit was actually 1,350 euros.

My tortoise Hector is 41 years old. | My uncle says Hector is actually 47 years old.

My sister's baby is due on 17 October. | The midwife has changed my sister's due date to 24 October.

The exhibition of my watercolours opens on 6 November at the Corn Hall. |
The gallery has pushed my exhibition back to 20 November.
> The exhibition of my watercolours opens on 20 November at the Corn Hall.

My parents arrive at Waverley at 13:20 on Saturday. | My parents are coming on Sunday after all.

I'm doing the night shift on Wednesday. | I swapped with Rosalind, so my night shift is on Friday now.
> I'm doing the night shift on Friday.

I'm doing the night shift on Wednesday. | Rosalind and I swapped, and now I work the night shift on Friday.
> I'm doing the night shift on Friday.

My wedding is on 3 May. | We've had to move the wedding to 10 May.
> My wedding is on 10 May.

My trip to Bruges starts on 3 May. | I had to postpone the trip to Bruges to 10 May.
> My trip to Bruges starts on 10 May.

My knee surgery is on 9 May at Bronglais Hospital, and I'm not allowed to cycle for eight weeks. |
The hospital rang to say that my surgery's been put back two weeks, to 23 May.

My wedding is at St. Mark's. | The wedding is at St. Anne's instead.

My lesson is on Monday. | My lesson isn't on Monday but on Thursday.
> My lesson is on Thursday.

The rent is 700 pounds. | The rent is 750 pounds, not 700.
> The rent is 750 pounds.

My ferry leaves at 9:15. | The ferry doesn't leave until 9:45 now.
> My ferry leaves at 9:45.
"""
"""Written before what the code knows of changes was widened for them."""
_AFTER = """
We're seeing the marriage registrar on 7 April at a quarter to three. |
The registrar wrote to us: we're seeing her on 14 April at half past two.

My choir, the Larks, has booked the Assembly Rooms for 9 December. |
Our concert had to be moved, so we have booked the Assembly Rooms for 16 December.
> My choir, the Larks, has booked the Assembly Rooms for 16 December.

My pottery class costs 85 pounds and meets on Tuesdays. | My pottery class has gone up to 95 pounds.
> My pottery class costs 95 pounds and meets on Tuesdays.

My pottery class costs 85 pounds and meets on Tuesdays. |
The pottery class has been moved to Wednesdays, because the kiln is booked.
> My pottery class costs 85 pounds and meets on Wednesdays.

I take 40 mg of Relvanor every morning with my porridge. | Dr Osei has put me on 60 mg of Relvanor instead.
> I take 60 mg of Relvanor every morning with my porridge.

My flight to Tallinn is on 8 May, and I've got seat 21F. |
Another thing about my flight to Tallinn: it's on 9 May, I misread the ticket.
> My flight to Tallinn is on 9 May, and I've got seat 21F.

My grandmother's cottage in Nairn has four bedrooms. | I was mistaken, my grandmother's cottage has five bedrooms.
> My grandmother's cottage in Nairn has five bedrooms.

The removal van comes on Friday at seven in the morning. |
The removal firm has changed its mind, the van comes on Saturday.
> The removal van comes on Saturday at seven in the morning.

My sister Nell is moving to Lund on 1 September. | Nell isn't moving to Lund on 1 September but on 15 September.
> My sister Nell is moving to Lund on 15 September.

I'm teaching 24 children this year, and my classroom is the old chapel. |
Two families have moved here, so I'm teaching 27 children now.
> I'm teaching 27 children this year, and my classroom is the old chapel.

Our allotment meeting is on 3 March in the scout hut. |
Sorry, I told you the wrong day. The allotment meeting is on 4 March.
> Our allotment meeting is on 4 March in the scout hut.

I leave for the Camino on 2 May and want to be back by 10 June. | I've had to put off the Camino: I leave on 9 May.

My new desk cost 320 pounds and took me two evenings to build. | I said my desk cost 320 pounds, but it was 350 pounds.
> My new desk cost 350 pounds and took me two evenings to build.

The caterer for my birthday charges 22 pounds a head. | The caterer wants 26 pounds a head now.
> The caterer for my birthday charges 26 pounds a head.

My daughter's parents' evening is on 19 November at 6 pm. | The parents' evening has been put back to 26 November.
> My daughter's parents' evening is on 26 November at 6 pm.

I usually get up at 5.30 to feed the calves. | Now that the calves are bigger, I get up at 6.15.

I share my office at the university with Dr Haverkamp. |
I share my office with Dr Ilunga now, because Dr Haverkamp has retired.
> I share my office at the university with Dr Ilunga.

My knitting group meets at the Copper Kettle on Mondays. |
The Copper Kettle has shut, so my knitting group meets at the Tin Whistle now.
> My knitting group meets at the Tin Whistle on Mondays.

My half marathon in Kiel is on 11 September. | It turns out that my half marathon is on 18 September.
> My half marathon in Kiel is on 18 September.

We're getting 14 hens from the farm in Ambleby. | We've changed our minds and are getting 18 hens.

My nephew's school play is on Thursday, and he's a tree in it. | The school play has been postponed till Friday.
> My nephew's school play is on Friday, and he's a tree in it.

My PIN for the darkroom is 5518. | The PIN for the darkroom has been changed to 7306.
> My PIN for the darkroom is 7306.

Our train to Vigo goes at 10:05 from platform 6. | Our train to Vigo goes at 10:35 now.
> Our train to Vigo goes at 10:35 from platform 6.

The vet wants to see our tortoise on 5 June. | The vet can't do 5 June, so our appointment is on 8 June.

My aunt pays me 12 euros an hour for the gardening. | My aunt has raised my pay to 15 euros an hour.
> My aunt pays me 15 euros an hour for the gardening.

I live in Sandwick with my aunt. | We moved to Brough in April.
> I live in Brough with my aunt.
"""
"""Written after that."""


def read(text: str) -> list[tuple[str, str, str | None]]:
    """The pairs of a text as above."""
    found = []
    for block in text.strip().split("\n\n"):
        both, _, wanted = block.partition("\n> ")
        old, _, new = both.replace("\n", " ").partition(" | ")
        found.append((old, new, wanted or None))
    return found


KNOWN, UNKNOWN = read(_BEFORE), read(_AFTER)
"""What was said first, then later, and what the first says from then on; ``None`` where it is left."""
