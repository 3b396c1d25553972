"""What people tell an assistant on an ordinary day, as they type it: what is told of it, and whom it ties to whom."""

from datetime import datetime, timezone

import pytest

from langchain_selfparam.records import Turn
from langchain_selfparam.targets import parse
from langchain_selfparam.targets.ties import ties


def told(said):
    now = datetime(2025, 3, 1, tzinfo=timezone.utc)
    turn = Turn(id=1, namespace=("a",), thread="", user=said, assistant="", created_at=now)
    found = parse.statements(turn, words=40, passage_words=40)
    assert not any(s.sentence for s in found)
    return " ".join(s.told for s in found)


@pytest.mark.parametrize(
    ("said", "back", "tied"),
    [
        # Moving and home.
        ("Ok so basically our landlord Mr Pryce wants us out by June.",
         "Your landlord Mr Pryce wants you out by June.", {"Mr Pryce": "landlord"}),
        ("we're moving to a cottage near Hay, the lease starts on the 28th",
         "You're moving to a cottage near Hay, the lease starts on the 28th", {}),
        ("Anyway, the kitchen's finished and it cost us 11,400 pounds.",
         "The kitchen's finished and it cost you 11,400 pounds.", {}),
        ("Our lodger is Katya, she's from Gdansk.", "Your lodger is Katya, she's from Gdansk.", {"Katya": "lodger"}),
        ("Great news!! We exchanged on the cottage yesterday.", "You exchanged on the cottage yesterday.", {}),
        ("The boiler man is coming between 8 and 12 tomorrow, he needs parking.",
         "The boiler man is coming between 8 and 12 tomorrow, he needs parking.", {}),
        ("Our neighbours are called Pat and Len.", "Your neighbours are called Pat and Len.", {}),
        # Work.
        ("My manager's name is Abiola and her deputy is Curtis.",
         "Your manager's name is Abiola and her deputy is Curtis.", {"Abiola": "manager"}),
        ("Ok my new shift pattern is 4 on 4 off.", "Your new shift pattern is 4 on 4 off.", {}),
        ("I work for the NHS in HR, in Leeds.", "You work for the NHS in HR, in Leeds.", {}),
        ("Good news, I got the job at Barclays!", "You got the job at Barclays!", {}),
        ("My line manager is Scottish.", "Your line manager is Scottish.", {}),
        ("Honestly I hate my commute.", "You hate your commute.", {}),
        ("My colleague Dieter told me to call him Didi.", "Your colleague Dieter told you to call him Didi.",
         {"Dieter": "colleague"}),
        # Health.
        ("btw my physio is called Imogen and she wants me to stretch twice a day",
         "Your physio is called Imogen and she wants you to stretch twice a day", {"Imogen": "physio"}),
        ("My therapist is Hannah, on Thursdays at 4.", "Your therapist is Hannah, on Thursdays at 4.",
         {"Hannah": "therapist"}),
        ("Right, so I've quit smoking, day 12.", "You've quit smoking, day 12.", {}),
        ("Trust me, it hurts.", "It hurts.", {}),
        ("Can you remind me to take my iron at 8?", "You want me to remind you to take your iron at 8.", {}),
        ("My knee hurts, so please give me exercises without kneeling.",
         "Your knee hurts, so you want me to give you exercises without kneeling.", {}),
        ("Also I need to lose 6 kilos before the wedding.", "You need to lose 6 kilos before the wedding.", {}),
        ("Keep me away from prawns, I swell up.", "You want me to keep you away from prawns, you swell up.", {}),
        # Family, friends and animals.
        ("Great, thanks. Also, my nephew Idris starts nursery on Monday.",
         "Your nephew Idris starts nursery on Monday.",
         {"Idris": "nephew"}),
        ("My ex is called Toby, we share custody of Fern.", "Your ex is called Toby, you share custody of Fern.",
         {"Toby": "ex"}),
        ("My friend Jo's husband is called Ali.", "Your friend Jo's husband is called Ali.", {"Jo": "friend"}),
        ("I've got a flatmate called Soren who plays drums at night.",
         "You've got a flatmate called Soren who plays drums at night.", {"Soren": "flatmate"}),
        ("Ruth's my mother-in-law.", "Ruth's your mother-in-law.", {"Ruth": "mother-in-law"}),
        ("My son is Liam's age.", "Your son is Liam's age.", {}),
        ("Lol my cat ate the tinsel again", "Your cat ate the tinsel again", {}),
        ("Freya and Dot are our hens, they lay well.", "Freya and Dot are your hens, they lay well.", {}),
        ("My rabbit's Thumper.", "Your rabbit's Thumper.", {"Thumper": "rabbit"}),
        ("My daughter's Year 6 play is on the 9th.", "Your daughter's Year 6 play is on the 9th.", {}),
        ("Mum's asked me to remind her to call me.", "Your mum's asked you to remind her to call you.", {}),
        # Travel and leisure.
        ("By the way we call our van Gladys.", "You call your van Gladys.", {}),
        ("Please send me a list for Norway, I leave on 9 February.",
         "You want me to send you a list for Norway, you leave on 9 February.", {}),
        ("What goes with the trout Hamish is smoking on Saturday?",
         "What goes with the trout Hamish is smoking on Saturday?", {}),
        ("Isn't it lovely that Bryn finally proposed?", "It's lovely that Bryn finally proposed.", {}),
        ("Find me at the Rose and Crown most Fridays.", "Find you at the Rose and Crown most Fridays.", {}),
        ("Text me is what she always says, I never do.", "Text you is what she always says, you never do.", {}),
        ("So far I've read four of the books.", "So far you've read four of the books.", {}),
        # To the assistant.
        ("Don't call me Elizabeth.", "You don't want me to call you Elizabeth.", {}),
        ("Call me Fitz, everyone does.", "You want to be called Fitz, everyone does.", {}),
        ("Always give me metric units.", "You want me to always give you metric units.", {}),
        ("Can you always give me metric units?", "You want me to always give you metric units.", {}),
        ("Please never give me spoilers.", "You never want me to give you spoilers.", {}),
        ("If I mention Gary, tell me to breathe.", "If you mention Gary, you want me to tell you to breathe.", {}),
        ("I like how you're always there for me.", "You like how I'm always there for you.", {}),
        ("You told me you'd check my spelling.", "I told you I'd check your spelling.", {}),
        ("He said you'd call me.", "He said I'd call you.", {}),
        ("You'd think my boss would pay me.", "You'd think your boss would pay you.", {}),
        ("Never tell me the odds!", 'You told me: "Never tell me the odds!"', {}),
        # Nothing of the user.
        ("Is it too much to pay 85 pounds for a haircut?", "", {}),
        ("Tell me about Portugal.", "", {}),
        ("Is Tom your brother?", "", {}),
        ("Would you tell me a joke?", "", {}),
    ],
)  # fmt: skip
def test_what_is_told_and_tied(said, back, tied):
    assert told(said) == back
    assert ties([said]) == tied
