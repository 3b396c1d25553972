"""Lists of English words that say little, or that only look like a name."""

from __future__ import annotations

COURTESY = frozenset(
    """alright appreciate appreciated awesome bye cool cheers fine goodbye great hello help helpful hey hi hm hmm lovely
    nice ok okay perfect pleasure sure thank thanks thankyou understood welcome wonderful""".split()
)
"""What is left beside a name in a greeting."""
DATES = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december""".split()
)
NOBODY = frozenset(
    """anybody anyone dinner breakfast lunch everybody everyone nobody no-one people somebody someone today tomorrow
    tonight yesterday work""".split()
)
"""What is not somebody where it opens a sentence as somebody would."""
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
