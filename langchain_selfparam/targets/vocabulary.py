"""Lists of English words that say little, or that only look like a name."""

from __future__ import annotations

COURTESY = frozenset(
    """alright appreciate appreciated awesome bye cool cheers fine goodbye great hello help helpful hey hi hm hmm lovely
    nice ok okay perfect pleasure sure thank thanks thankyou understood welcome wonderful""".split()
)
"""What is left beside a name in a greeting."""
DATES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december tue tues weds thu thur thurs fri""".split()
)
KIN = "Mum Mummy Mom Mommy Mam Dad Daddy Nan Nana Nanna Gran Granny Grandma Grandpa Grandad Granddad".split()
"""Whom everybody may call so, as by a name."""
SIGNS = frozenset("AUD CAD CHF DIY EUR GBP JPY OK PC PS TV USD".split())
"""In capital letters, and no names."""
NOBODY = frozenset(
    """anybody anyone dinner breakfast lunch everybody everyone nobody no-one people somebody someone today tomorrow
    tonight yesterday work""".split()
)
"""What is not somebody where it opens a sentence as somebody would."""
SOMEBODY = frozenset(
    """accountant aunt auntie aunty baby babysitter barber boss boy boyfriend bridesmaid brother brother-in-law
    budgie builder canary carer cat child childminder children classmate cleaner clerk co-worker coach colleague
    consultant counsellor cousin coworker dad daddy daughter daughter-in-law dentist doctor dog donkey electrician ex
    ex-boyfriend ex-girlfriend ex-husband ex-partner ex-wife father father-in-law ferret fiance fiancee fiancé fiancée
    flatmate foal friend gardener gerbil girl girlfriend godchild goddaughter godfather godmother godson goldfish gp
    gran granddad granddaughter grandfather grandma grandmother grandpa grandson grandchild granny grandad great-aunt
    great-grandfather great-grandmother great-uncle guest hairdresser half-brother half-sister hamster headteacher horse
    housemate husband in-law instructor kid kitten landlady landlord lawyer lodger mam manager mare mentor midwife
    mom mother mother-in-law mum mummy nan nana nanny neighbor neighbour nephew niece nurse optician osteopath parent
    parrot partner physio physiotherapist plumber pony psychiatrist psychologist pup puppy rabbit roommate
    schoolmate sister sister-in-law solicitor son son-in-law stepbrother stepdad stepdaughter stepfather stepmom
    stepmother stepmum stepsister stepson student supervisor surgeon teacher teammate tenant therapist tortoise
    trainer tutor twin uncle vet wife workmate""".split()
)
"""What people, and the animals that live with them, are to somebody."""
COMMON = frozenset(
    """a about above after again against all also always am an and any are aren't as ask at away back be because been
    before being below beside best between both but by call called came can can't cannot come comes could couldn't
    did didn't do does doesn't doing don't done down during each else ever every few first for from further gave
    get gets give given go goes going good got had has hasn't have haven't having he her here hers him himself his
    how i i'd i'll i'm i've if in into is isn't it it's its itself just keep kept know last let like likes little
    love made make makes many may me mine more most much must my myself name named never new no nor not now of off
    often old on once one only or other our ours out over own please put quite rather really said same say says
    see she should so some still such take takes tell than that that's the their theirs them then there there's
    these they they're thing things this those though through till to told too took two under until up upon us use
    used very want wants was wasn't way we we'd we'll we're we've well went were weren't what when where whether
    which while who whom whose why will with without won't would wouldn't yes yet you you'd you'll you're you've
    your yours yourself""".split()
)
"""In every other sentence, so that they tell none from another."""
