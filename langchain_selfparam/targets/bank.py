"""Questions that people ask about their own lives and work, in many wordings: seeds for every episode.

The model that learns may be too small to ask well, yet it knows what a question is about: among twelve statements a
model of 135M parameters finds the right one for 85 % of questions in other words, and for 96 % of those that fit one
statement two nats better than any other. So each question here is offered to each statement; which one it belongs to,
if any, the model decides (``screen``). What fits nothing that was said is one more question to be answered as before.

They are this project's own and in English; for other languages the model's own questions do alone.
"""

from __future__ import annotations

import re

_SELF = """
What am I called? How old am I? When is my birthday? Where was I born? Which country am I from?
What languages do I speak? Where do I live? Where is my home? Which town do we live in? What is my address?
Where did we move? Who do I live with? What am I good at? What am I afraid of? What makes me happy?
What annoys me? What do I usually wear? What size do I take? What is my phone number?
"""
_HOME = """
What kind of home do I have? How many rooms do we have? What is in the garden? What grows in my garden?
What do I want to build? Which room did I decorate? What colour are the walls? What colour did I paint it?
What did I repair? What is broken? What did I throw out? What did I get rid of? Who is my landlord?
How much is my rent? Who lives next door?
"""
_MONEY = """
How much did it cost? How much did I pay? How much did they charge? What was so expensive?
Why did it cost so much? How much money do I have to spend? What is my budget? Where do I keep my money?
What do I earn? What did I buy? What do I want to buy? What can I afford now? Where did I buy it?
What did I sell? How much does one cost?
"""
_FAMILY = """
What is my husband called? What is my wife's name? Who is my partner? When did we get married?
What are my children called? How many children do I have? How old are my children? How old is my son?
How old is my daughter? What does my son like? What is my daughter learning?
Which instrument does my child play? Who teaches my child? Which school do the children go to? Who is my mother?
What does my father do? Where do my parents live? What is my brother called?
What does my sister do for a living? Who is my mother-in-law? What is my partner's mother called?
What is my cousin's job? Which relative visits us? How often does my family visit? Who is my aunt?
Where does my aunt live? Who are my grandparents? When do I fetch my child?
"""
_PEOPLE = """
Who is my best friend? Who is my old friend? Where did I meet my friend? What does my friend do?
Who am I going to meet? Who helps me? Who looks after me? Who gave it to me? Who found it? Who told me so?
What does he do for a living? What does she do for a living? Where does he live? Where does she live?
What does he want from me? What does she want me to do? What does she like? What does he hate?
What is he allergic to? How old is she? When does he visit? When do I see her? What is he learning?
Who did I invite? What nickname do I have?
"""
_PETS = """
What is my pet called? What did I name my dog? What is our cat's name? What kind of animal do I have?
What breed is my dog? How old is my pet? What is my pet afraid of? Where does my pet hide?
Where does my pet sleep? What does my pet eat? Who looks after my pet?
"""
_WORK = """
What is my job? What do I do for a living? What is my profession? Where do I work? Which company do I work for?
What is my position? Who is my boss? Who do I report to? When do I report to my boss? What does my boss want?
How big is my team? How many people work with me? Who is on my team? What does my colleague do?
What is our project called? What is my project about? What is my task? How many of them do we have to do?
When is the deadline? By which date do I have to finish? What is the new date? When do we meet?
Where does my team meet? At what time is our meeting? Which rule do we have? Which machine do I use?
What is my computer called? How much storage do we have? Where do I keep my files? What should you never do?
What should you avoid in your answers? What did we celebrate? What am I going to present?
Where am I going to speak? When is my talk? Who are my customers? What is my shop called? Where is my shop?
When am I open?
"""
_TRAVEL = """
Where am I travelling? When do I leave? On which date do we set off? Where do we start?
How long am I going to be away? How many days does the trip take? Who is travelling with me? How do I travel?
Which train do we take? On which day does it leave? At what time does it leave? Where do we stay first?
What is my hotel called? In which town do we spend the night? Where do we stay longer? Which seats do we have?
What am I packing? What do I want to see? What is my car called? How do I get to work? How far is it to work?
When do I come back?
"""
_FOOD = """
What is my favourite food? What do I have for breakfast? What do I eat for lunch? What do I drink?
What did I give up? What can I not stand? Which vegetable do I hate? Which snack do I dislike?
What am I allergic to? Who must not eat it? What am I not allowed to eat? What do I cook? Which bread do I like?
Which cake do I like? What do we bake? How do I take my coffee? Which tea do I like? What is my diet?
Which spice do I like? Where are we going to eat? What is the restaurant called?
"""
_HEALTH = """
Which medicine do I take? How many tablets do I take? When do I take my medicine? What illness do I have?
Which operation did I have? When was my operation? Who is my doctor? What did my doctor say?
How much weight should I lose? When is my appointment? Who treats me? Which exercises do I do?
Which sport do I do? How often do I train? How far do I run? Who is my trainer? When do I go to bed?
Why was I in hospital?
"""
_LEISURE = """
What is my hobby? What do I do at the weekend? What do I do in the evening? What do I do every Sunday?
Which instrument do I play? What music do I like? Which band do I like? Which song do I love?
Which film do I like best? Which films can I not stand? Who is my favourite director? Which actor do I like?
What am I reading? Who is my favourite writer? What do I collect? How many do I own? Which one is my favourite?
Which team do I support? What do I make with my hands? What did I make? What do I paint?
What do I want to learn? Which course am I taking? On which day is my course? Where do I study? When is my exam?
What did I win? Which concert did I go to?
"""
_THINGS = """
What is it called? What name did I give it? How old is it? How big is it? How heavy is it? What colour is it?
What is it made of? What does it look like? Where is it kept? Where did I find it? Which year is it from?
In which year was it? How many are there? How many hours did it take? How long did I work on it?
How many years ago was it? Where did it happen? When did it happen? On which day of the week is it?
At what time is it? Where does it take place? What kind of tree is it? What do I always carry with me?
"""
_PLANS = """
What are my plans? What do I want to do next? What do I hope for? What did I decide? What has changed?
What was moved to another day? What did I forget? What did I lose? What is my goal? When is the party?
Who is coming to the party? By when do I want to have it done? What went wrong? What do I prefer?
What do I dislike? What do I never do?
"""

QUESTIONS: tuple[str, ...] = tuple(
    re.findall(
        r"[A-Z][^?]*\?",
        " ".join(
            f"{_SELF}{_HOME}{_MONEY}{_FAMILY}{_PEOPLE}{_PETS}{_WORK}{_TRAVEL}{_FOOD}{_HEALTH}{_LEISURE}{_THINGS}{_PLANS}".split()
        ),
    )
)
"""All of them; no two alike."""
