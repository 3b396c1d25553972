"""Courtesies say nothing; what has one more thing in it does."""

import pytest

from langchain_selfparam.targets.courtesy import courteous


@pytest.mark.parametrize(
    "text",
    ["", "👍", ":)", "Thanks!", "Okay, thank you, that is great.", "Hello there", "Yes.", "I do.", "So you are.",
     "You are welcome.", "Sounds good!", "Good morning!", "You're right.", "You’re right.", "Have a nice day!",  # noqa: RUF001
     "haha", "Haha, please continue.", "No problem.", "Interesting!", "Great, sure, bye", "OK.", "ok thanks and bye",
     "Thank you so much for your help!", "Thanks for the advice!", "See you later!", "That's a great idea, thanks.",
     "Nice to meet you!", "I see.", "Wow, that's amazing!", "I understand, thank you.", "You too!", "Same here.",
     "What a great idea!", "Sorry.", "Thank you for all the great suggestions!", "I'm sure it is.", "I'd love to!",
     "That would be great.", "I'm doing well, thank you.", "J.", "You're a dear.",
     "Thanks ever so much, you've been brilliant.", "thx man ur a lifesaver", "k gn",
     "I'm off to bed, talk tomorrow.", "Thank you, that sounds just the ticket.", "You've been a great help.",
     "You are a real star!", "You legend.", "Night x", "You've been brilliant, ta.", "¡Gracias!", "谢谢"],
)  # fmt: skip
def test_courtesies(text):
    assert courteous(text)


@pytest.mark.parametrize(
    "text",
    ["My name is Will.", "I'm May.", "My name is An.", "I am 9.", "I'm not 5, I'm 6.", "I'm up at 5.", "I said yes!",
     "I love her.", "मेरा नाम राम है।", "Thanks, Ana.", "Great, a dog!", "7 pm is fine", "I have a problem.", "I can't.",
     "He is here.", "I have a nice dog.", "No dog.", "It's all mine.", "I'm good at chess.", "She said no.", "I quit.",
     "I am a he.", "Good old Tom.", "Great Dane.", "I'm pregnant!", "It is over.", "I will not go.", "We won!", "5",
     "犬", "Thanks for the 5 euros.", "Good morning to Ana.", "Yes, on Monday."],
)  # fmt: skip
def test_what_says_something(text):
    assert not courteous(text)
