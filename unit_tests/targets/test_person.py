"""Whose words: what a user says of themselves becomes what is said to them, and questions go the other way."""

import pytest

from langchain_selfparam.targets.person import asked, asked_of_model, told, without_greeting, without_lead


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("My dog is called Biscuit.", "Your dog is called Biscuit."),
        ("The dog is mine.", "The dog is yours."),
        ("I am a nurse.", "You are a nurse."),
        ("I'm a nurse and I've two cats.", "You're a nurse and you've two cats."),
        ("I’m happy, and I’ll go.", "You're happy, and you'll go."),  # noqa: RUF001
        ("I'd say that I won't.", "You'd say that you won't."),
        ("I was born in Rome.", "You were born in Rome."),
        ("Then I was late, and my sister was too.", "Then you were late, and your sister was too."),
        ("We were late, and our car was ours.", "You were late, and your car was yours."),
        ("Tom gave me a book of his own.", "Tom gave you a book of his own."),
        ("It was me. My fault!", "It was you. Your fault!"),
        ("I hurt myself. We hurt ourselves.", "You hurt yourself. You hurt yourselves."),
        ("Why am I here? I forgot.", "Why are you here? You forgot."),
        ("My mom's dog loves my dad's.", "Your mom's dog loves your dad's."),
        ('She said "my turn" to us.', 'She said "my turn" to you.'),
        ("I", "You"),
        ("", ""),
    ],
)
def test_what_was_said_is_told_back(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    "said",
    [
        "Biscuit lives in Lisbon.",
        "Amy met Tim in Miami; Ian saw them.",
        "The mine in Wales is deep-seated, Ami.",
        "Meine Hunde sind müde.",
        "今日は雨。",
        "Himself, herself and Ivy's iguana.",
    ],
)
def test_names_and_other_words_are_left_alone(said):
    assert told(said) == said.replace("mine", "yours")
    assert asked(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "Jag bor i Stockholm.",
        "I Stockholm bor jag.",
        "Me llamo Ana",
        "Me llamo Ana y vivo en Roma.",
        "Ich bin am Montag da.",
        "Wir sind am See, und ich bin müde.",
        "We gaan naar Parijs.",
        "Mam psa i kota.",
        "Ho due cani e mi chiamo Ana.",
        "I miei cani sono belli.",
        "Mon ami est ici et me voit.",
        "for i in range(3): print(i)",
        "```python\nfor i in range(3):\n  print(my[i])\n```",
        "```python x = my.me(i)",
        "`my_list = me`",
        "const i = us + me;",
        "Anna said: I am late.",
        '"My dog is my friend."',
    ],
)
def test_other_languages_programs_and_what_others_said_are_left_as_they_are(said):
    assert told(said) == said


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ('Anna said "I love my dog" to me.', 'Anna said "I love my dog" to you.'),
        ("Anna said 'I love my dog' to me.", "Anna said 'I love my dog' to you."),
        ("Anna said “I was ill” to me.", "Anna said “I was ill” to you."),
        ('He said "I am ill." I was sad.', 'He said "I am ill." You were sad.'),
        ('I left when she said "I am', 'You left when she said "I am'),
        ('my dog." I left.', 'my dog." You left.'),
        ("My sister said: I am moving to Rome. I am sad.", "Your sister said: I am moving to Rome. You are sad."),
        ("I said: I am leaving.", "You said: You are leaving."),
        ("My code is `print(i)` and I like it.", "Your code is `print(i)` and you like it."),
        (
            "The dogs' toys are in my cats' box, and I like it.",
            "The dogs' toys are in your cats' box, and you like it.",
        ),
        ("I'm 5'10\" and my dog is big.", "You're 5'10\" and your dog is big."),
        ("I live in Rio de Janeiro.", "You live in Rio de Janeiro."),
        ("I moved to Los Angeles.", "You moved to Los Angeles."),
        ("i like tea", "You like tea"),
        ("i am ana, and i love my dog", "You are ana, and you love your dog"),
        ("today i went home", "today you went home"),
        ("Me and my brother live in Rome.", "You and your brother live in Rome."),
        ("I teach.", "You teach."),
        ("- My dog is six.", "- Your dog is six."),
        ('"No pets," our landlord says.', '"No pets," your landlord says.'),
        ("I have type I diabetes.", "You have type I diabetes."),
        ("We bought a Grade I listed rectory.", "You bought a Grade I listed rectory."),
        ("Uncle Rolf taught me chess.", "Uncle Rolf taught you chess."),
        ("Everyone calls me Bunny.", "Everyone calls you Bunny."),
    ],
)
def test_what_is_the_users_own_is_turned_beside_what_is_not(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("Dad lives with us. Mum works nights.", "Your dad lives with you. Your mum works nights."),
        ("I told Mum, Dad and Ida.", "You told your mum, your dad and Ida."),
        ("I made Gran's apple pie.", "You made your gran's apple pie."),
        ("Dad's in hospital.", "Your dad's in hospital."),
        ("I love me mum.", "You love your mum."),
        ("It's my mom's birthday, Mom turns 60.", "It's your mom's birthday, your mom turns 60."),
        ("me mum and me dad live in Hull", "Your mum and your dad live in Hull"),
        ("The trip is with me mates.", "The trip is with your mates."),
        # Somebody else's, or called by more than that.
        ("Tom lives with his Dad.", "Tom lives with his Dad."),
        ("I'm a proud Dad of two.", "You're a proud Dad of two."),
        ("Tom's Dad paints.", "Tom's Dad paints."),
        ("I call him Dad.", "You call him Dad."),
        ("Grandma Rose is 80.", "Grandma Rose is 80."),
        ('She said "Dad is ill" to me.', 'She said "Dad is ill" to you.'),
        ("I'm Mum to two boys.", "You're Mum to two boys."),
        ("My son calls me Mum.", "Your son calls you Mum."),
        ("Mum of three here.", "Mum of three here."),
        ("Mum's the word.", "Mum's the word."),
        ("He loves Dad jokes.", "He loves Dad jokes."),
        ("La Gran Vía está en Madrid.", "La Gran Vía está en Madrid."),
        ("He gave me dog treats.", "He gave you dog treats."),
    ],
)
def test_the_users_parents_are_theirs(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("I like talking to you.", "You like talking to me."),
        ("I told you my name is Ana.", "You told me your name is Ana."),
        ("I want you to know that I moved.", "You want me to know that you moved."),
        ("I think you're kind.", "You think I'm kind."),
        ("I think you are kind.", "You think I am kind."),
        ("I like your advice.", "You like my advice."),
        ("You told me to rest, and it helps me.", "I told you to rest, and it helps you."),
        ("As you suggested, I rang my aunt.", "As I suggested, you rang your aunt."),
        ("You must never give me pork.", "I must never give you pork."),
        ("Let me tell you my plans.", "Let me tell you your plans."),
        ("Please call me Bea.", "You want to be called Bea."),
        ("Hi. Call me Kit.", "Hi. You want to be called Kit."),
        ("You were right, the leak came from the boiler.", "I was right, the leak came from the boiler."),
        ("You weren't wrong about my knee.", "I wasn't wrong about your knee."),
        ("You've calmed me down.", "I've calmed you down."),
        ("U told me to rest.", "I told you to rest."),
        ("You've made my day.", "I've made your day."),
        ("You've been patient with me.", "I've been patient with you."),
        ("The letter said you've been accepted.", "The letter said you've been accepted."),
        ("I'm afraid my dog is ill.", "You're afraid your dog is ill."),
        ("u told me to rest", "I told you to rest"),
        (
            "We made a u-turn at plot U, and the letter u is blue.",
            "You made a u-turn at plot U, and the letter u is blue.",
        ),
        ("Dad says to tell you he likes it.", "Your dad says to tell me he likes it."),
        # Of people at large.
        ("When you get old, you need glasses.", "When you get old, you need glasses."),
        ("I think running is good for you.", "You think running is good for you."),
        ("I'm glad you're doing what is good for you.", "You're glad you're doing what is good for you."),
        ("I know you can get ill there.", "You know you can get ill there."),
        ("My sister thinks you were right.", "Your sister thinks you were right."),
        ("When you've been a nurse, you've seen it all.", "When you've been a nurse, you've seen it all."),
        ("You are wrong, I told my boss.", "You are wrong, you told your boss."),
        ("I think your teeth are your own.", "You think your teeth are your own."),
    ],
)
def test_the_users_you_is_the_assistant_where_that_is_sure(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("I moved to the US in 2019.", "You moved to the US in 2019."),
        ("I get up at 6 AM and leave at 7 am.", "You get up at 6 AM and leave at 7 am."),
        ("I like pets, i.e. my dogs.", "You like pets, i.e. your dogs."),
        ("I read about World War I at home.", "You read about World War I at home."),
    ],
)
def test_times_countries_and_abbreviations_are_no_persons(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("I wasn't there.", "You weren't there."),
        ("Was I late?", "Were you late?"),
        ("When was I born?", "When were you born?"),
        ("I've played since i was 12.", "You've played since you were 12."),
    ],
)
def test_was_follows_its_person(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("What is your dog called?", "What is my dog called?"),
        ("Where do you live?", "Where do I live?"),
        ("Are you a nurse?", "Am I a nurse?"),
        ("How old are you?", "How old am I?"),
        ("Where were you born?", "Where was I born?"),
        ("Were you born in Rome?", "Was I born in Rome?"),
        ("Who gave you the book?", "Who gave me the book?"),
        ("Who likes you?", "Who likes me?"),
        ("Does your brother live with you?", "Does my brother live with me?"),
        ("What did your sister tell you about it?", "What did my sister tell me about it?"),
        ("When you're ill, what do you take?", "When I'm ill, what do I take?"),
        ("Is the dog yours? Have you hurt yourself?", "Is the dog mine? Have I hurt myself?"),
        ("What is my dog called?", "What is my dog called?"),
        ("Who is Kiwi?", "Who is Kiwi?"),
        ("Who visited you yesterday?", "Who visited me yesterday?"),
        ("Who has helped you today?", "Who has helped me today?"),
        ("Which dog bit you first?", "Which dog bit me first?"),
        ("What makes you happy?", "What makes me happy?"),
        ("Did Ana visit you in May?", "Did Ana visit me in May?"),
        ("What do you like?", "What do I like?"),
        ("Who did you visit?", "Who did I visit?"),
        ("Who can you ask?", "Who can I ask?"),
        ("What time do you get up?", "What time do I get up?"),
        ("Which pets have you got?", "Which pets have I got?"),
    ],
)
def test_questions_are_asked_in_the_users_own_words(written, own):
    assert asked(written) == own


@pytest.mark.parametrize(
    ("own", "turned"),
    [
        ("What is my name?", "What is your name?"),
        ("Where do I live?", "Where do you live?"),
        ("Am I a nurse?", "Are you a nurse?"),
        ("How old am I?", "How old are you?"),
        ("When was I born?", "When were you born?"),
        ("Can you tell me my name?", "Can you tell me your name?"),
        ("What do we call our bird?", "What do you call your bird?"),
        ("Who is Kiwi?", "Who is Kiwi?"),
    ],
)
def test_the_same_question_to_the_model(own, turned):
    assert asked_of_model(own) == turned


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Hello, my dog is here.", "My dog is here."),
        ("Hi! My dog is here.", "My dog is here."),
        ("HEY THERE, I'm Ana.", "I'm Ana."),
        ("Good morning. I slept well.", "I slept well."),
        ("  Hello again!  ok ", "Ok"),
        ("Highway 61 is long.", "Highway 61 is long."),
        ("Hi Ana, I'm here.", "Hi Ana, I'm here."),
        ("My dog says hello, loudly.", "My dog says hello, loudly."),
        ("  ", ""),
        ("", ""),
    ],
)
def test_a_greeting_says_nothing(text, bare):
    assert without_greeting(text) == bare


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("A change of plan: the lesson is on Thursday.", "The lesson is on Thursday."),
        ("One change about my flat: from May on it is 785.", "From May on it is 785."),
        ("By the way, my dog refuses his supper.", "My dog refuses his supper."),
        ("I got something wrong: it leaves on Wednesday.", "It leaves on Wednesday."),
        ("Correction: I am 6.", "I am 6."),
        ("Good news: I moved.", "I moved."),
        ("I was wrong: we leave.", "We leave."),
        ("My plans have changed: I stay.", "I stay."),
        ("Something has changed: the bridge is closed.", "The bridge is closed."),
        # Of what is behind these nobody would know what it is.
        ("My plan: move to Lisbon in May.", "My plan: move to Lisbon in May."),
        ("What is wrong with my car: the brakes.", "What is wrong with my car: the brakes."),
        ("News about my sister: she is pregnant.", "News about my sister: she is pregnant."),
        ("Ana has news: she is pregnant.", "Ana has news: she is pregnant."),
        ("iPhones are dear to me.", "iPhones are dear to me."),
        ("https://example.com is mine.", "https://example.com is mine."),
        ("élan is what I have.", "Élan is what I have."),
        ("My address: 62 Candlemaker Row.", "My address: 62 Candlemaker Row."),
        ("The plan is good. Mind this: it rains.", "The plan is good. Mind this: it rains."),
        ("Wellington is where I live.", "Wellington is where I live."),
        ("", ""),
    ],
)
def test_an_opening_that_says_nothing_is_left_out_of_what_is_told(text, bare):
    assert without_lead(text) == bare


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("I must tell you that I'm allergic to kiwi.", "I'm allergic to kiwi."),
        ("I forgot to mention that my flight leaves at 6 am.", "My flight leaves at 6 am."),
        ("Just so you know, I'm vegan.", "I'm vegan."),
        ("Please remember that I can't eat nuts.", "I can't eat nuts."),
        ("Did I mention that I play the accordion?", "I play the accordion."),
        ("Did I tell you about my boat? It's called Petrel.", "About my boat: It's called Petrel."),
        ("Did I tell you what I do?", "Did I tell you what I do?"),
        ("Remember Anna?", "Remember Anna?"),
        ("I must tell you my news.", "I must tell you my news."),
    ],
)
def test_what_only_leads_to_what_is_told_is_left_out(text, bare):
    assert without_lead(text) == bare


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("Remind me to call the bank", "You want me to remind you to call the bank"),
        ("please remind me that my rent is due", "You want me to remind you that your rent is due"),
        ("Always remind me to take my pills.", "You want me to always remind you to take your pills."),
        ("Please speak to me in Welsh.", "You want me to speak to you in Welsh."),
        ("Don't ever call me Liz.", "You never want me to call you Liz."),
        ("Don’t call me Liz.", "You don't want me to call you Liz."),  # noqa: RUF001
        ("Never wake me before 8.", "You never want me to wake you before 8."),
        ("Don't remind me!", "You don't want me to remind you!"),
        ("Let me know if it's late.", "You want me to let you know if it's late."),
        ("My exam is near, so remind me to revise.", "Your exam is near, so you want me to remind you to revise."),
        ("If I forget, please remind me.", "If you forget, you want me to remind you."),
        ("- Remind me to call.", "- You want me to remind you to call."),
        ("Please, call me Bea.", "You want to be called Bea."),
        ("Could you send a card to Priya saying it is late?", "You want me to send a card to Priya saying it is late."),
        ("Isn't it great that my son passed?", "It's great that your son passed."),
        ("You said you'd remind me.", "I said I'd remind you."),
        # Nothing that is bidden, or no more than a phrase.
        ("Let me see.", "Let me see."),
        ("Let me think about my plan.", "Let me think about your plan."),
        ("Remind me, what is my dog called?", "Remind you, what is your dog called?"),
        ("Give me a break, I'm six.", "Give you a break, you're six."),
        ("She told me to remind me of it.", "She told you to remind you of it."),
        ("Talk to my boss went well.", "Talk to your boss went well."),
        ("My brother said please call me.", "Your brother said please call you."),
        ('Tom wrote "Call me on Monday."', 'Tom wrote "Call me on Monday."'),
        ("Can you swim? I love it.", "Can you swim? You love it."),
        ("Isn't it true that I owe 5 euros?", "Isn't it true that you owe 5 euros?"),
        ("You said you need glasses when you get old.", "I said you need glasses when you get old."),
    ],
)
def test_what_is_bidden_is_told_as_what_is_wanted(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("I like that you're so patient with me.", "You like that I'm so patient with you."),
        ("I love how you are always kind.", "You love how I am always kind."),
        ("I like that you're never far from the sea in Cork.", "You like that you're never far from the sea in Cork."),
        ("I hate that you are always in a queue there.", "You hate that you are always in a queue there."),
    ],
)
def test_who_is_liked_is_the_assistant_where_it_is_so_to_the_user(said, back):
    assert told(said) == back


@pytest.mark.parametrize(
    "lead",
    [
        "Btw ",
        "FYI, ",
        "Lol ",
        "Ok so basically ",
        "Anyway, ",
        "Oh and ",
        "Thanks! One more thing: ",
        "Right, so ",
        "Good news, ",
        "Well, by the way, ",
        "Trust me, ",
        "Also: ",
    ],
)
def test_chat_before_what_is_told_is_left_out(lead):
    assert without_lead(f"{lead}my dog is six.") == "My dog is six."


@pytest.mark.parametrize(
    "text",
    [
        "Great Dane puppies are loud.",
        "So far I like it.",
        "FYI is a magazine.",
        "No, I don't eat fish.",
        "Sure Start is near.",
        "One thing I love is tea.",
        "Nice is where I live.",
        "Well water is what we drink.",
        "And Ana said no.",
    ],
)
def test_what_only_looks_like_chat_stays(text):
    assert without_lead(text) == text


@pytest.mark.parametrize(
    ("said", "back"),
    [
        (
            "They've changed the timetable: my train leaves at 6.",
            "They've changed the timetable: your train leaves at 6.",
        ),
        ("It's this: My train leaves at 6.", "It's this: Your train leaves at 6."),
        ("She gives it to her tortoise, I'm afraid.", "She gives it to her tortoise."),
        ("I'm afraid I can't come on Monday.", "You can't come on Monday."),
        ("I'm afraid that my dog will die.", "You're afraid that your dog will die."),
        ("I'm afraid of spiders.", "You're afraid of spiders."),
        ("Ana said \"I'm afraid I can't come\".", "Ana said \"I'm afraid I can't come\"."),
        ("Sorry, I told you the wrong time: my lesson is at 7.", "Your lesson is at 7."),
        ("I told you the wrong date before: it's 5 May.", "It's 5 May."),
        ("Sorry, my flight is on 5 May.", "Your flight is on 5 May."),
        ("I'm sorry, my dog is ill.", "You're sorry, your dog is ill."),
        ("My birthday is on 3 May, did I tell you that?", "Your birthday is on 3 May."),
        ("Between you and me, I hate my job.", "You hate your job."),
        ("I hate my job, between you and me.", "You hate your job."),
    ],
)
def test_what_is_only_polite_teaches_nothing(said, back):
    assert told(without_lead(said)) == back


@pytest.mark.parametrize(
    "program",
    [
        "def f(x):\n    return my_dog[x]",
        "import os",
        "import numpy as np",
        "from os import path",
        "npm install left-pad",
        "sudo apt install git",
        "cd ../my-app",
        "for x in y: print(x)",
        "const a = 1;",
        "x += 1",
        "if (x) { return 1; }",
        "return x;",
    ],
)
def test_a_program_keeps_its_small_letters(program):
    assert without_greeting(program) == without_lead(program) == program
    assert without_greeting(f"Hello, {program}") == program


@pytest.mark.parametrize("said", ["git is what we use.", "import duties are high.", "class starts at 9.", "so be it."])
def test_what_only_has_a_word_of_programs_begins_with_a_capital_letter(said):
    assert without_greeting(said) == without_lead(said) == said[0].upper() + said[1:]
