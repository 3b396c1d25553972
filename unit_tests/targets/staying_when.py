"""What somebody did on a day, how much somebody else does, and what was before: none of it changes what was said."""

STAYING_WHEN = [
    (
        "My essay is due on Friday.",
        "I corrected my essay on Sunday, it was full of mistakes.",
    ),
    (
        "My report is due on Friday.",
        "I updated my report on Tuesday night.",
    ),
    (
        "The new shelves are arriving on Monday.",
        "Dad put up the shelves on Wednesday.",
    ),
    (
        "The Christmas tree is being delivered on 8 December.",
        "We put up the Christmas tree on 12 December this year.",
    ),
    (
        "The new sofa is being delivered on Tuesday.",
        "We moved the sofa on Thursday.",
    ),
    (
        "Our bins are collected on Tuesdays.",
        "My neighbour moved our bins on Friday because they were in the way.",
    ),
    (
        "The new bed is coming on 3 June.",
        "I changed the bed on 1 June as it was filthy.",
    ),
    (
        "My swimming lesson is on Thursday.",
        "I pushed myself in my swimming lesson on Monday.",
    ),
    (
        "The boiler gets its yearly service on Monday.",
        "Something went wrong with the boiler on Thursday.",
    ),
    (
        "My dentist appointment is on Tuesday.",
        "I turned up for my dentist appointment on Monday by mistake.",
    ),
    (
        "My flight to Porto is on Friday.",
        "My flight was delayed on Sunday, I got home at midnight.",
    ),
    (
        "My train to Leeds leaves at 8:15.",
        "My train was delayed on Monday, I only got in at 10:40.",
    ),
    (
        "I'm in London for an interview on Thursday.",
        "I went up to London on Monday.",
    ),
    (
        "My brother Neil and I both run, I do 30 km a week.",
        "Neil has gone up to 50 km a week.",
    ),
    (
        "My wife Jo and I both work, I work four days a week.",
        "Jo has gone down to three days a week.",
    ),
    (
        "My sister Ana and I are on the same tablets, I take 20 mg.",
        "Ana has been put up to 40 mg.",
    ),
    (
        "My son Ben is at the same school as my niece Ivy, he is 7.",
        "Ivy turned 9 last week.",
    ),
    (
        "My pottery class is on Wednesday.",
        "My pottery class was on Monday before they moved it.",
    ),
    (
        "My rent is 900 pounds.",
        "My rent was 750 pounds before it went up.",
    ),
    (
        "I teach yoga on Tuesday evenings.",
        "Just this week the yoga has been moved to Thursday.",
    ),
    (
        "The hall for the bake sale costs 60 pounds.",
        "The bake sale raised 400 pounds, we were thrilled.",
    ),
    (
        "I was at school in Leeds until 2009.",
        "I was born in Leeds and raised in York.",
    ),
    (
        "We're leaving our house in Bath on 3 May.",
        "We're not moving our house things on 5 May.",
    ),
    (
        "The release branch takes pushes until Friday.",
        "Direct pushes to the release branch are reviewed on Monday.",
    ),
    (
        "The party is on 22 March.",
        "The party has been moved to the big room on the 22nd.",
    ),
    (
        "I was in first grade when my dad died.",
        "I'm in tenth grade now.",
    ),
    (
        "My son was in third grade last year.",
        "My son is in fourth grade now.",
    ),
    (
        "In March my gas bill was £60.",
        "My gas bill is 40 now.",
    ),
    (
        "My flat is on the fourth floor.",
        "Before I moved, my flat was on the second floor.",
    ),
    (
        "I have a meeting on Thursday.",
        "I meant to go to the meeting on Tues but I was ill.",
    ),
    (
        "My boss Bill pays me £12 an hour.",
        "My boss Bill is 60 now.",
    ),
    (
        "I have chemo on Tuesdays.",
        "My mum has moved her chemo to Weds.",
    ),
    (
        "I've got piano on Tuesdays.",
        "Tom's moved his piano to Thurs.",
    ),
    (
        "I call my mum on Sundays.",
        "I called my mum on Sat instead because she was ill.",
    ),
    (
        "We eat fish on Friday.",
        "We had fish on Thurs instead, the kids begged.",
    ),
    (
        "I get paid on the 25th.",
        "I got paid on the 28th instead, payroll messed up.",
    ),
    (
        "My Spanish class is on Monday.",
        "I had to correct myself in Spanish class on Thurs, so embarrassing.",
    ),
    (
        "I pick up my suit on Monday.",
        "I had the suit altered on Thurs.",
    ),
    (
        "I live on the fourth floor.",
        "I actually work on the ninth floor.",
    ),
    (
        "My flight is on 28 October.",
        "They've moved my flight to the 2nd.",
    ),
    (
        "My tenancy ends on 30 June.",
        "My tenancy was extended to the 15th.",
    ),
    (
        "I have two kids.",
        "My sister has two, no, make that four kids.",
    ),
    (
        "My appointment is on 3 May.",
        "The appointment has been moved to the 10th floor.",
    ),
    (
        "The bill has 3 pages.",
        "The bill is 40 now.",
    ),
    (
        "My flat is on the third floor.",
        "Ana's flat is on the fifth floor now.",
    ),
    (
        "My new oven cost 600 pounds.",
        "I put the oven up for sale and got 80 pounds for the old one.",
    ),
]
"""What was said first, and what was said later and changes nothing in it."""
