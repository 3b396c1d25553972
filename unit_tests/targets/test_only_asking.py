"""The user's own questions are nothing to learn; what they tell on the way is."""

import pytest

from langchain_selfparam.targets.asking import only_asks, without_asking


@pytest.mark.parametrize(
    "sentence",
    ["What is my dog called?", "what is my dog called", "So, what is my dog's name?", "What's my sister's name?",
     "How old is my dog?", "Where do I live?", "In which town do I live?", "Who am I?", "When is my flight?",
     "Do you remember my name?", "Do you remember where I live?", "Do you know what my dog is called?",
     "Do you know who my boss is?", "Can you tell me my name?", "What did I tell you about my trip?",
     "What did I say I wanted for my birthday?", "How many cats do I have?", "Which pets have I got?",
     "What is the capital of France?", "Can you write a poem about the sea?", "Can you help me?", "What can I cook?",
     "Could you please explain quantum physics to me?", "Can you recommend a good book?", "Do you like jazz?",
     "Is there a pharmacy near me?", "Is Tom allergic to nuts?", "Tell me a joke.", "Write a poem about the sea.",
     "How are you?", "And you?", "Really?", "?", "How do I clean a window?", "How do I sort a list in Python?",
     "Will it rain tomorrow?", "What do you think?", "¿Cómo se llama mi perro?", "Wie heißt mein Hund?",
     "\"What is my dog called?\"", "Is there anything I should prepare?", "Do you know somebody I could ask?",
     "Can you tell me what I need for a visa?", "whats a good name for a cat?", "Suppose it rains, would you go?",
     "u ever think about how wild it is that cats purr", "Remind me, what did I say about the movers?"],
)  # fmt: skip
def test_what_only_asks(sentence):
    assert only_asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["I'm allergic to nuts, what can I bake?", "My flight is at 7, is that too early?", "I can't sleep?",
     "Did I tell you my dog is called Biscuit?", "Has anybody told you my dog is six?", "Did you know Ana moved?",
     "Have I told you that I'm vegan?", "What can I bake now that I'm allergic to nuts?", "I'm Ana, what's your name?",
     "Can you help me plan my sister's baby shower?", "Can you call me Bo?", "Can you remember my PIN 4321?",
     "What should I cook for my daughter Ana, who is vegan?", "My favourite food? Pizza!",
     "The meeting is at 7, right?",
     "Do you know that my name is Ana?", "How do I tell my boss that I'm pregnant?", "Isn't my meeting at 7?",
     "Why does my knee hurt when I run?", "What do you think of my new job at Acme?", "Who is Ana, my sister?",
     "Do you remember when I moved to Lisbon?", "What can I do in Lisbon on 5 May?", "How can I help my daughter?",
     "Can you book a table at Rosso on Friday at 8?", "What is important to me is family.", "Where I live is Rome.",
     "Remind me to call Ana.", "Tell Ana that I love her.", "I wonder if it rains.", "What a day I had with Ana!",
     "Write me a poem about my dog Biscuit.", "May is when I was born.", "Will is my brother.", "My dog is six.",
     "When I was six we moved.", "Why I left is a long story.", "Which is why I moved to Rome.", "Guess what I did!",
     "what is it about I have never heard of it", "Translate this: Ana is ill.", ""],
)  # fmt: skip
def test_what_tells_something_is_kept(sentence):
    assert not only_asks(sentence)


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        (["My dog is six.", "What is he called?"], ["My dog is six."]),
        (["What is my dog called?", "I forgot it at once, I think."], ["I forgot it at once, I think."]),
        (["Do you like jazz?", "I love it."], ["Do you like jazz?", "I love it."]),
        (["What is my favourite colour?", "Blue."], ["What is my favourite colour?", "Blue."]),
        (["Where do I work?", "At the museum in Kinnaird, since 2018."],) * 2,
        (["Why did I move?", "Because of a fiddle player called Eamon."],) * 2,
        (["Where should I go?", "In May I am in Oslo with my aunt."], ["In May I am in Oslo with my aunt."]),
        (["Do you like jazz?", "Thanks!"], ["Thanks!"]),
        (["Do you like opera?", "My sister really loves it, and she sings."],) * 2,
        (["Do you know Oslo?", "We went there last year with my aunt and two cousins."],) * 2,
        (["Have you seen Rushmore?", "My dad really loves that film."],) * 2,
        (["Have you seen Rushmore?", "My son and I went to see it with his friend."],) * 2,
        (["Do you like opera?", "If so, my sister has a ticket for tonight."],) * 2,
        (["Is it true that goats can climb?", "Ours got over the fence, and so did Wilbur's."],) * 2,
        (
            ["What would you cook for eight people?", "My birthday is on 3 November and they're all coming to ours."],
            ["My birthday is on 3 November and they're all coming to ours."],
        ),
        (
            ["Have you got any ideas for a hen night?", "There are nine of us, and we are all over forty."],
            ["There are nine of us, and we are all over forty."],
        ),
        (
            ["What can I give a nine-year-old?", "My niece has everything and she turns nine on Sunday."],
            ["My niece has everything and she turns nine on Sunday."],
        ),
        (["Do you like jazz?", "Do you like it?"], []),
        (["Do you like jazz?", "My brother plays the old bassoon."], ["My brother plays the old bassoon."]),
        ([], []),
    ],
)
def test_a_question_is_kept_where_something_leans_on_it(own, kept):
    assert without_asking(own) == kept


@pytest.mark.parametrize(
    "sentence",
    ["Can you write a note to Gerald, he lent us his ladder?", "Isn't it great that Rhys passed his driving test?",
     "Could you draft an email to Priya saying the demo has to slip by a week", "Can you believe Tom left?",
     "Could you write to Dr Ames to say the cough is back?", "Is it normal that Biscuit sleeps all day?",
     "What goes with the lamb Oberon is cooking tonight?", "Isn't it funny how she never calls?",
     "What can Tom eat, he's allergic to nuts?", "Is it a problem that her visa runs out in May?"],
)  # fmt: skip
def test_what_a_question_takes_for_true_is_kept(sentence):
    assert not only_asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["Isn't it great that bees can dance?", "Is it true that Rome burned?", "Is it normal that dogs sleep all day?",
     "Can you write a poem about Gerald and his ladder?", "Is 640 pounds for a second-hand Aga a lot?",
     "Could you draft an email to Priya?", "What goes with lamb?", "What is the book Orwell was writing called?",
     "Can you believe it?", "What did Napoleon say, he or his brother?", "Is it bad for the environment?",
     "Is it great in Rome?", "When Tom calls, should he wait?"],
)  # fmt: skip
def test_a_question_that_takes_nothing_for_true_only_asks(sentence):
    assert only_asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["¿Sabías que me llamo Ana y vivo en Sevilla?", "¿Qué puedo cocinar si soy alérgica a las nueces?",
     "Comment faire un gâteau pour mon fils Léo qui est allergique aux noix?", "¿Qué come mi hija?",
     "Warum tut mein linkes Knie seit dem Unfall in Bern weh?", "Warum hinkt mein Hund?", "Wo wohnt mein Bruder Tom?",
     "Was koche ich für Anna?", "Was soll ich kochen, wenn Anna kommt?", "Was kann jemand wie ich essen?",
     "Was koche ich am 5. Mai?", "Pourquoi mon genou craque?", "Wo kaufe ich in Bern ein?",
     "¿Cuándo sale el tren para el pueblo donde nací y vivo todavía?", "Was will mein Chef Tom?",
     "¿Qué hago porque no duermo?", "¿Qué puede comer alguien con alergias?",
     "Was lunch with my sister any good?"],
)  # fmt: skip
def test_a_question_of_another_language_that_tells_something_is_kept(sentence):
    assert not only_asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["¿Qué hora es?", "¿Dónde está el baño?", "¿Cómo estás?", "Wie geht es Ihnen?", "Wie spät ist es?",
     "Wer bist du?", "Was kann ich essen?", "Was heißt das auf Englisch?", "Comment vas-tu?", "Quelle heure est-il?",
     "Où est la gare?", "Pourquoi pas?", "Wie alt ist mein Hund?", "¿Dónde vive mi hermana?",
     "Quel est le nom de mon chien?", "¿Qué puedo cocinar hoy?", "Was Rome built in a day?", "Was dinner good?"],
)  # fmt: skip
def test_a_short_plain_question_of_another_language_only_asks(sentence):
    assert only_asks(sentence)
