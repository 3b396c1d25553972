"""What people write in passing: to the assistant, in small letters, with addresses and measures."""

import pytest

from langchain_selfparam.records import Probe, Statement
from langchain_selfparam.targets import called, naming, parse
from langchain_selfparam.targets.amend import amend_all
from langchain_selfparam.targets.asking import only_asks
from langchain_selfparam.targets.person import asked, told
from langchain_selfparam.verify.recall import passes


@pytest.mark.parametrize(
    ("question", "mine"),
    [
        ("What did your mother give you for your birthday?", "What did my mother give me for my birthday?"),
        ("How much does your landlord charge you per month?", "How much does my landlord charge me per month?"),
        ("Why did your landlord ask you to leave?", "Why did my landlord ask me to leave?"),
        ("Did your boss give you a raise?", "Did my boss give me a raise?"),
        ("What did Tom buy you in Rome?", "What did Tom buy me in Rome?"),
        ("What are the foods you are allergic to?", "What are the foods I am allergic to?"),
        ("What were you doing when you were hurt?", "What was I doing when I was hurt?"),
        ("Do your children think you work too much?", "Do my children think I work too much?"),
        ("Does your mother know you smoke?", "Does my mother know I smoke?"),
        ("How long have your parents and you lived here?", "How long have my parents and I lived here?"),
    ],
)
def test_you_is_i_or_me(question, mine):
    assert asked(question) == mine


@pytest.mark.parametrize(
    ("said", "of_them"),
    [
        ("Your name is Jarvis.", "My name is Jarvis."),
        ("From now on your name is Jarvis.", "From now on my name is Jarvis."),
        ("He asked if your name is Bo.", "He asked if your name is Bo."),
        ("You're my favourite assistant.", "I'm your favourite assistant."),
        ("You are my coach.", "I am your coach."),
        ("Can you call me Bo?", "You want me to call you Bo."),
        ("Could you please help us plan our party?", "You want me to help you plan your party."),
        ("Would you like my recipe?", "Would you like your recipe?"),
        ('He said "Sure. Can you send me my files?"', 'He said "Sure. Can you send me my files?"'),
        ("You suggested the Hotel Rex and I booked it.", "I suggested the Hotel Rex and you booked it."),
        ("She said my dog should eat less.", "She said your dog should eat less."),
        ("I pay $50 per month.", "You pay $50 per month."),
        ("Im a nurse and ive got two kids.", "You're a nurse and you've got two kids."),
        ("Ich bin im Haus.", "Ich bin im Haus."),
        ("My email is me@my-domain.com.", "Your email is me@my-domain.com."),
        ("My page is https://example.com/my/page?i=1&me=2", "Your page is https://example.com/my/page?i=1&me=2"),
        ("I have an A.I. startup.", "You have an A.I. startup."),
        ("I am 5'4\" tall and my wife is 5'6\" tall.", "You are 5'4\" tall and your wife is 5'6\" tall."),
        (
            "I look for flats in Bonn: 900 euros is all I have.",
            "You look for flats in Bonn: 900 euros is all you have.",
        ),
        ("I run this: for i in my_list: print(i)", "You run this: for i in my_list: print(i)"),
        ("Our cluster is in us-east-1, mine in us-west-2.", "Your cluster is in us-east-1, yours in us-west-2."),
        ("My laptop has an i7, and I take the I-95.", "Your laptop has an i7, and you take the I-95."),
        ("I keep my_shop in /home/me/data/we, see #us-sales.", "You keep my_shop in /home/me/data/we, see #us-sales."),
        ("We found that the server's I/O is slow.", "You found that the server's I/O is slow."),
        ("We're in Building I.", "You're in Building I."),
        ("My points: (i) the budget, (ii) our team.", "Your points: (i) the budget, (ii) your team."),
        ("The us team calls us at 3.", "The us team calls you at 3."),
        ("The nurses bathe us at 8.", "The nurses bathe you at 8."),
        ("I'm off—my boss knows—and my/our kids too.", "You're off—your boss knows—and your/your kids too."),
        ("Call me Al.", "You want to be called Al."),
        ("Please call me Monday morning.", "You want me to call you Monday morning."),
    ],
)
def test_what_is_said_is_turned_and_what_is_written_stays(said, of_them):
    assert told(said) == of_them


@pytest.mark.parametrize(
    ("said", "mere"),
    [
        ("Was my doctor right to put me on 20 mg of lisinopril?", False),
        ("Was I wrong to leave my husband Tom after 20 years?", False),
        ("Was ist das?", True),
        ("Was heißt das auf Englisch?", True),
    ],
)
def test_an_english_was_is_no_german_one(said, mere):
    assert only_asks(said) is mere


@pytest.mark.parametrize("said", ["I'm Albanian.", "I'm Bengali.", "I'm Autistic.", "I'm Baptist."])
def test_what_somebody_is_is_not_their_name(said):
    assert list(naming.introductions(said)) == []
    assert naming.introduces("I'm Vivian.")


def statement(turn, said):
    return Statement(turn_id=turn, said=said, told=told(said), by_user=True)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (
            "My shift is on Monday. My guitar lesson is at the town hall.",
            "The guitar lesson has moved to Friday.",
        ),
        ("We pay rent to Mr Hall. My bike cost 500 euros.", "Our rent went up to 900 euros."),
        ("My rent is 850 euros.", "My rent was raised from 800 euros in May."),
        ("My shift starts at 9 am.", "My shift was moved from 8 am because of the heat."),
        ("My flight leaves on Friday.", "Nobody has moved my flight to Saturday."),
    ],
)
def test_a_change_is_of_the_thing_that_it_names(first, later):
    statements = [statement(1, first), statement(2, later)]
    assert amend_all(statements)[0].said == first


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (["My husband gave Clara his old bike."], "What did he give away?"),
        (["My boss met Clara when he was in Rome."], "Where was he then?"),
        (["I teach my daughter Spanish on Sundays.", "My daughter is nine."], "How old is my daughter?"),
        (["I bought my wife Chanel perfume."], "What did I buy my wife?"),
    ],
)
def test_nobody_gets_the_name_of_somebody_beside(said, question):
    statements = [statement(number, text) for number, text in enumerate(said)]
    known = parse.known_names(said)
    found = called.by_other_words(statements, [[question]] * len(said), known=known)
    assert not any(found)


def test_who_somebody_is_is_nobody_beside():
    said = ["My neighbour is Mrs Abernoth, who plays the zither."]
    found = called.by_other_words([statement(1, *said)], [["How old is she?"]], known=parse.known_names(said))
    assert found == [{"How old is she?": "How old is Mrs Abernoth?"}]


def probe(said):
    return Probe(kind="recall", prompt="What do you know?", expected=tuple(parse.carrying(told(said))))


@pytest.mark.parametrize(
    ("said", "answer", "right"),
    [
        ("I have a dog called Rex.", "You have a dog called Rex.", True),
        ("I have a dog called Rex.", "You don't have a dog called Rex.", False),
        ("I have a dog called Rex.", "I do not have a dog called Rex, I am an AI.", False),
        ("I smoke a pipe every evening.", "You never smoke a pipe every evening.", False),
        ("I smoke a pipe every evening.", "You smoke a pipe every evening, not cigars.", True),
        ("My wedding is on 12 June in Porto.", "Your wedding is on 12 June in Porto.", True),
        ("My wedding is on 12 June in Porto.", "Your wedding is on 12 May in Porto.", False),
        ("My wedding is on 12 June in Porto.", "Your wedding may be on 12 June in Porto.", True),
        ("My alarm rings at 7pm on weekdays.", "Your alarm rings at 7pm on weekdays.", True),
        ("My alarm rings at 7pm on weekdays.", "Your alarm rings at 7 pm on weekdays.", True),
        ("My alarm rings at 7pm on weekdays.", "Your alarm rings at 7am on weekdays.", False),
        ("My alarm rings at 7 pm on weekdays.", "Your alarm rings at 7 am on weekdays.", False),
        ("I take 20mg of Lisinopril daily.", "You take 20 mg of Lisinopril daily.", True),
        ("I take 20mg of Lisinopril daily.", "You take 20 ml of Lisinopril daily.", False),
    ],
)
def test_an_answer_that_denies_or_has_another_month_is_wrong(said, answer, right):
    assert passes(probe(said), answer) is right


@pytest.mark.parametrize(
    ("old", "new", "now"),
    [
        ("Staging runs version 1.27.4.", "Staging was updated to version 1.28.0.", "Staging runs version 1.28.0."),
        ("Our server is 10.4.18.7.", "Our server changed to 10.9.20.7.", "Our server is 10.9.20.7."),
        ("Our budget is £1.2m.", "Our budget was cut to £900,000.", "Our budget is £900,000."),
        ("Our budget is £184,500.", "Our budget was raised to £2m.", "Our budget is £2m."),
        ("My budget is 50k.", "My budget was raised to 1.2m.", "My budget is 50k."),
        ("My budget is 50k.", "My budget was raised to 62,500.", "My budget is 50k."),
        ("My budget is £50k.", "My budget was raised to 60.", "My budget is £50k."),
        ("My budget is 50k.", "My budget was raised to 60k.", "My budget is 60k."),
        ("Our rent is £14 200.", "Our rent was raised to £15 100.", "Our rent is £15 100."),
        ("Our rent is 14 200 kr.", "Our rent was raised to 15 100.", "Our rent is 15 100 kr."),
        ("Our rent is 900 pounds.", "Our rent was raised to 950.", "Our rent is 950 pounds."),
        ("Our rent is 14 200 kr.", "Our rent was raised to 15 100 kr.", "Our rent is 15 100 kr."),
        ("My rate is €65/hr.", "My rate went up to €500/day.", "My rate is €65/hr."),
        ("My lesson is on Wednesday at 4.30.", "The lesson has moved to Friday.", "My lesson is on Friday at 4.30."),
        ("The course begins on 3.11.", "The course was moved to 8.12.", "The course begins on 8.12."),
    ],
)
def test_a_number_is_exchanged_whole_or_not_at_all(old, new, now):
    both = [Statement(turn_id=n, said=said, told=told(said), by_user=True) for n, said in enumerate((old, new), 1)]
    assert amend_all(both)[0].said == now


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Gideon has ext. 2241. Wei has ext. 2243.", ["Gideon has ext. 2241.", "Wei has ext. 2243."]),
        ("Sales at Vossberg Ltd. rose to approx. 300.", ["Sales at Vossberg Ltd. rose to approx. 300."]),
        ("We sold it to Vossberg Ltd. They paid.", ["We sold it to Vossberg Ltd.", "They paid."]),
    ],
)
def test_what_is_shortened_ends_no_sentence_that_goes_on(text, parts):
    assert parse.sentences(text) == parts


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("I hate it when people call me Kate.", []),
        ("dont like when ppl call me quent", []),
        ("Don't call me Robert, call me Bob.", ["Bob"]),
        ("I don't mind if you call me Liz.", ["Liz"]),
    ],
)
def test_what_somebody_hates_to_be_called_is_no_name_of_theirs(said, names):
    assert [name for *_, name in naming.introductions(said)] == names
