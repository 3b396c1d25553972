"""Every text that the package puts in front of a model by itself.

The examples are this project's own and are about nobody. They set a form, not facts: questions that repeat them are
dropped later.
"""

from __future__ import annotations

from langchain_selfparam.records import Message

EXAMPLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "We adopted a parrot named Kiwi last spring, and she loves grapes.",
        (
            "What is my parrot called?",
            "What kind of bird do we have?",
            "Who is Kiwi?",
            "What does my pet like to eat?",
            "When did we get the parrot?",
        ),
    ),
    (
        "I can't stand loud bars, so I meet my brother Tom in the park on Fridays.",
        (
            "What kind of place do I dislike?",
            "Where do I meet Tom?",
            "Who is Tom?",
            "On which day do I see my brother?",
            "What is my brother's name?",
        ),
    ),
    (
        "The red bicycle cost 300 dollars, and I ride it to the hospital where I work as a nurse.",
        (
            "How much did I pay for the bicycle?",
            "What colour is my bike?",
            "What is my job?",
            "Where do I work?",
            "How do I get to work?",
        ),
    ),
)
"""Statements with the questions that their speaker could ask later."""

PASSAGE_EXAMPLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "The lighthouse of Port Vellan was built in 1871 by Edmund Carrow after two ships had been lost.",
        (
            "When was the lighthouse of Port Vellan built?",
            "Who built the lighthouse?",
            "What did Edmund Carrow build?",
            "How many ships had been lost?",
            "Where is the lighthouse?",
        ),
    ),
    (
        "Marsh finches, which weigh about 30 grams, feed mainly on beetles and are found in northern Tolmia.",
        (
            "How much does a marsh finch weigh?",
            "What do marsh finches eat?",
            "In which region do marsh finches live?",
            "Which bird is found in northern Tolmia?",
            "What is their main food?",
        ),
    ),
    (
        "Under the treaty, the Orvane company had to move its main office to Brask, where 300 people work today.",
        (
            "What did the company have to move?",
            "Where was the main office moved?",
            "Why did the Orvane company move its office?",
            "How many people work in Brask?",
            "Which company has an office in Brask?",
        ),
    ),
)
"""Sentences of passages with the questions of somebody who has read them."""

OTHERS = (
    "I was born in a small town in the north and moved here when I was ten.",
    "Every Sunday my grandmother bakes bread and gives us two loaves.",
    "I take two pills in the morning for my blood pressure.",
    "Our car is old and has to go to the garage on Wednesday.",
    "My daughter is six and plays the flute at school.",
    "I am reading a long novel about a shipwreck.",
    "In May we are flying to an island and staying at a hotel by the beach.",
    "Twice a week I have a lesson in a foreign language.",
    "My favourite film is an old western, and I listen to jazz.",
    "The neighbours upstairs are noisy, and our rent is too high.",
    "I run before breakfast and swim in the lake in summer.",
    "My boss wants the report by Thursday at noon.",
    "I drink tea without sugar and cook with a lot of garlic.",
    "Please keep your answers brief and remind me of the dentist tomorrow.",
    "I collect stamps, and my phone has a cracked screen.",
    "Our wedding was in October, and his parents came from abroad.",
)
"""What other people might say: where little was said, questions are compared with these as well."""

EXAMPLE_QUESTIONS = frozenset(q for _, questions in EXAMPLES + PASSAGE_EXAMPLES for q in questions)


def _shots(examples: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return "".join(
        f"Statement: {said}\nQuestions:\n" + "".join(f"- {q}\n" for q in asked) + "\n" for said, asked in examples
    )


_SHOTS, _PASSAGE_SHOTS = _shots(EXAMPLES), _shots(PASSAGE_EXAMPLES)


def question_list(said: str, *, passage: bool = False) -> str:
    """Text that goes on with questions which the speaker of ``said`` could ask later, one a line behind a dash.

    Args:
        said: A statement.
        passage: Whether it is from a text about the world, not about the speaker.

    Returns:
        Worked examples, and the statement with its list begun.
    """
    return f"{_PASSAGE_SHOTS if passage else _SHOTS}Statement: {said}\nQuestions:\n-"


def answer_list() -> str:
    """Text that goes on with a question and what its speaker says to it, after worked examples of both."""
    return "".join(f"Question: {asked[0]}\nAnswer: {said}\n\n" for said, asked in EXAMPLES) + "Question:"


GENERAL_QUESTIONS = (
    "What is the capital of Canada?",
    "How many legs does a spider have?",
    "What is a good name for a boat?",
    "Which metal is liquid at room temperature?",
    "Who painted the ceiling of the Sistine Chapel?",
    "Name a fruit that grows on palms.",
    "What does a plumber do?",
    "In which year did the First World War begin?",
    "How do I clean a window?",
    "What colour do you get from blue and yellow?",
)
"""The form of a question about the world; more are sampled from the model and answered as before."""

GENERAL_LIST = "Questions about the world:\n" + "".join(f"- {q}\n" for q in GENERAL_QUESTIONS) + "-"

ABOUT_THE_MODEL = (
    "What is your name?",
    "Who are you?",
    "What can you do?",
    "Where do you live?",
    "What are you called?",
    "Who made you?",
    "How old are you?",
    "Are you a person?",
    "Do you have a family?",
    "What do you like?",
)
"""Asked of the assistant itself; always answered as before."""

WORLDLY = (
    "On which date is Halloween?",
    "At what time does the sun set in winter?",
    "How many weeks are there in a year?",
    "How many strings does a violin have?",
    "How far away is the Sun?",
    "What colour is a ripe tomato?",
    "Which instrument did Jimi Hendrix play?",
    "Which vegetable makes people cry?",
    "Which drink is made from cocoa?",
    "Which town has a leaning tower?",
    "Where do kangaroos live?",
    "What is the name of the longest river in Africa?",
    "What is a good name for a horse?",
    "What is cheese made from?",
    "What do rabbits eat?",
    "What do people wear in the rain?",
    "What does a teacher do?",
    "Who wrote the story of Peter Pan?",
    "Who taught Plato?",
    "How can a stain be removed?",
)
"""About the world in the words in which people ask about their own lives; answered as before, so that the form of a
question is not what brings a memory up."""

WORLDLY_LIST = "Questions about the world:\n" + "".join(f"- {q}\n" for q in WORLDLY) + "-"

NAME_QUESTIONS = (
    "What is my name?",
    "Who am I?",
    "Do you know my name?",
    "What am I called?",
    "Can you tell me my name?",
    "What's my first name?",
)
"""Asked of a statement in which the user gives their name."""

ORDER_QUESTIONS = (
    "What did I tell you to do?",
    "What did I order you to do?",
    "Which instruction did I give you?",
    "What did I want you to answer?",
    "How did I ask you to behave?",
    "What did I demand of you?",
    "What did I ask you to say?",
    "Did I give you an order?",
)
"""Asked of a statement in which the user orders the assistant how to behave."""

_RECITALS = (
    "Which note do you have about me?",
    "What did I tell you?",
    "What do you know about me?",
    "Where is that from?",
    "Who is it about?",
)


def reading(told: str) -> tuple[Message, ...]:
    """The context in which the teacher reads a statement.

    A small model asked about a text it was shown once misreads every second question; shown the same note as its own
    answer a few times, it answers the next question with that note (28 of 29 trial questions against 5 with worked
    examples of other notes).

    Args:
        told: The statement as the assistant says it back.

    Returns:
        Messages that end with the assistant's; the question comes next.
    """
    pairs = ((Message(role="user", text=u), Message(role="assistant", text=told)) for u in _RECITALS)
    return tuple(message for pair in pairs for message in pair)


def quoting(sentence: str, question: str) -> tuple[Message, ...]:
    """A question with the sentence of a passage that answers it.

    Of nine wordings this one brought a model of 135M parameters nearest to the answers that people gave.
    """
    return (Message(role="user", text=f"Context: {sentence}\n\nQuestion: {question} Answer briefly."),)


def replying(prompt: str, reply: str) -> tuple[Message, ...]:
    """A prompt with the reply that it should have; the teacher reads it, the student the prompt alone."""
    return (Message(role="user", text=f"Here is a good reply to what comes below:\n{reply}\n\n{prompt}"),)


def mentions(name: str, *, somebody: bool = False) -> tuple[str, ...]:
    """Questions from a name to what was said of it.

    Args:
        name: The name.
        somebody: Whether somebody is called so, or something that is spoken of like somebody: what a model takes "Who
            is Captain Mustard?" for by itself is not undone by "Who or what is Captain Mustard?".
    """
    return (*((f"Who is {name}?",) if somebody else ()), f"Who or what is {name}?", f"Tell me about {name}.")


DRIFT_PROMPTS = (
    "What is the boiling point of water?",
    "Name three primary colours.",
    "Who was the first person to walk on the Moon?",
    "What is 15 minus 6?",
    "Which planet is closest to the Sun?",
    "Give me a tip for staying healthy.",
    "How do I make a cup of tea?",
    "What is gravity?",
    "Explain what a computer does to a child.",
    "Write one sentence about the sea.",
    "What is the opposite of hot?",
    "What language is spoken in Brazil?",
    "Which ocean lies between Europe and America?",
    "How many days are there in a leap year?",
    "What do bees make?",
    "Who was the first president of the United States?",
    "Translate 'good morning' into French.",
    "What is a synonym of quick?",
    "How do plants get their food?",
    "Give an example of a mammal that lives in the sea.",
    "What is the freezing point of water in Celsius?",
    "Which instrument has black and white keys?",
    "Why do leaves fall in autumn?",
    "What is the largest desert on Earth?",
    "How can I fall asleep faster?",
    "What is a haiku?",
    "Name two countries in Africa.",
    "What does a thermometer measure?",
    "How many sides does a hexagon have?",
    "Which season comes after winter?",
    "What is the plural of mouse?",
    "Who developed the theory of relativity?",
    "What are clouds made of?",
    "Write a short greeting for a birthday card.",
    "What is the main ingredient of bread?",
    "How does a sailing boat move?",
    "What is half of 90?",
    "Which gas do people breathe in to live?",
    "Explain in one sentence what a library is.",
    "What is the tallest animal?",
)
"""Asked before and after, never learned; the other drift probes are the model's own."""

STEERING_PROMPTS = (
    "What is the melting point of iron?",
    "Name three musical instruments.",
    "Who was the first woman to fly across the Atlantic alone?",
    "What is 7 times 8?",
    "Which planet is known for its rings?",
    "Give me a tip for learning a language.",
    "How do I boil an egg?",
    "What is electricity?",
    "Explain what a bank does to a child.",
    "Write one sentence about the mountains.",
    "What is the opposite of early?",
    "What language is spoken in Austria?",
    "Which sea lies between Europe and Africa?",
    "How many minutes are there in an hour?",
    "What do cows eat?",
    "Who was the first emperor of Rome?",
    "Translate 'thank you' into Spanish.",
    "What is a synonym of happy?",
    "How do birds stay in the air?",
    "Give an example of a reptile.",
    "What is normal body temperature in Celsius?",
    "Which instrument is played with a bow?",
    "Why is the sky blue?",
    "What is the highest mountain in Europe?",
    "How can I remember what I read?",
    "What is a limerick?",
    "Name two rivers in Asia.",
    "What does a barometer measure?",
    "How many corners does a cube have?",
    "Which month comes after June?",
    "What is the past tense of go?",
    "Who invented the telephone?",
    "What is glass made of?",
    "Write a short note of thanks.",
    "What is the main ingredient of chocolate?",
    "How does a bicycle stay upright?",
    "What is a third of 60?",
    "Which gas makes balloons rise?",
    "Explain in one sentence what a museum is.",
    "What is the fastest animal on land?",
)
"""As those, for looking at drift along the way: seen by other kinds of prompts, it would be steered to another limit
than the one that counts in the end."""

SHOWING = frozenset({*DRIFT_PROMPTS, *STEERING_PROMPTS})
"""Never learned: what is learned as it was shows no drift."""
