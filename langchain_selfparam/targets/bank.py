"""Questions that people ask about their own lives and work, in many wordings: seeds for every episode.

The model that learns may be too small to ask well, yet it knows what a question is about: among twelve statements a
model of 135M parameters finds the right one for 85 % of questions in other words, and for 96 % of those that fit one
statement two nats better than any other. So each question here is offered to each statement; which one it belongs to,
if any, the model decides (``screen``). What fits nothing that was said is one more question to be answered as before.

How many there are decides how much a 0.5B model answers when it is asked in other words: of one conversation's 24
questions 6 with 280 in the bank (on a GPU), 10 with 911 and as strict a choice, and 16 with 911 and the present one. Of
a model of 135M parameters so much is not certain. Of fewer than four statements every second question is asked: each is
compared with what others might say as well. Two thirds were written without having seen what the project is evaluated
on, and none is asked there word for word.

They are this project's own and in English; for other languages the model's own questions do alone.
"""

from __future__ import annotations

import re

_SELF = """
What am I called? How old am I? Where was I born? Which country am I from?
What languages do I speak? Where do I live? Where is my home? Which town do we live in? What is my address?
Where did we move? Who do I live with? What am I good at? What am I afraid of? What makes me happy?
What annoys me? What do I usually wear? What size do I take? What is my phone number?
What is my year of birth? Whom am I named after? How tall am I these days? What colour is my hair now? How do I prefer
to be addressed? What should you call me from now on? Which short form of my name do I dislike? Since when have I been
living here? In which neighbourhood is our home? What is the postcode of my home? How many languages can I speak?
Which language did I grow up speaking? Which language am I trying to pick up? What nationality do I hold? In what kind
of place did I grow up? With whom did I live as a child? Which religion or belief do I follow? Which star sign do I
have? What subject did I study at university? Which degree do I hold? Where did I go to school? What did I want to
become as a child? What is my greatest fear? Which of my habits am I trying to break? What am I particularly proud of?
Which subject do I know most about? What am I hopeless at? What puts me in a bad mood? What helps me to calm down?
Which colour do I like most? Which season of the year suits me best? Which number brings me luck? Which hand do I
write with? What size are my shoes? Which email address do I use? At what hour do I usually get up? At what time of
day do I work best? Why did I change my surname? Do I need glasses to read? What tattoo do I have on my body? In what
tone should you talk to me? How long should your replies to me be? In which language should you answer me? Which topic
should you not bring up with me? Which units should you use when you answer me?
"""
_HOME = """
What kind of home do I have? How many rooms do we have? What is in the garden? What grows in my garden?
What do I want to build? Which room did I decorate? What colour are the walls? What colour did I paint it?
What did I repair? What is broken? What did I throw out? What did I get rid of? Who is my landlord?
How much is my rent? Who lives next door?
How long have I lived in this house? Which floor is my flat on? How large is our home in square metres? How many
bedrooms are there in our place? Do I rent or own my home? Who owns the building I live in? When did we move in here?
From which place did we move here? Why did we leave our old home? When does my lease run out? Who used to live in our
house? Who lives on the floor above us? What do the neighbours complain about? What bothers me about the people next
door? Which neighbour waters our plants? Who has a spare key to our home? Where do we hide the spare key? How is our
house heated? What temperature do I like indoors? Which household appliance stopped working? Which appliance did we
have to replace? Who is coming to repair the appliance? On which day does the plumber come? What is leaking in our
house? Which room is being renovated? How long will the building work take? What kind of floor did we put in? What
colour is our front door? Which colour did we choose for the bedroom? What hangs on the wall above the sofa? Which
piece of furniture did I inherit? Which plants grow on our balcony? What did I plant this spring? Which tree did we
have to cut down? Which flowers do I like best? Which pest is ruining our plants? How often do the plants need
watering? On what day is the rubbish collected? Which household chore do I hate most? Who does the cleaning at our
place? How often does the cleaner come? Where do we keep the tools? What is stored in the attic or cellar? What may
guests not do in our home? Which room do I use as an office?
"""
_MONEY = """
How much did it cost? How much did I pay? How much did they charge? What was so expensive?
Why did it cost so much? How much money do I have to spend? What is my budget? Where do I keep my money?
What do I earn? What did I buy? What do I want to buy? What can I afford now? Where did I buy it?
What did I sell? How much does one cost?
What is my yearly salary? By how much did my pay go up? On which day do I get paid? Which bank am I with? Why did I
change banks? How much have I put aside so far? How much do I save each month? How much do I still owe? To whom do I
owe money? Who owes me some money? How large a sum did I lend? By when must the loan be repaid? What interest rate do
we pay? How large is our monthly mortgage payment? How much are our electricity bills? Which bill have I not paid yet?
Which bill seems far too high to me? Which insurance did I take out? Which subscription did I cancel? What does my
subscription cost per month? How much does the gym cost me? What do I invest my money in? How much did I lose on the
investment? What kind of investment do I refuse to make? How much did I get for the old one? How much of a discount
did I get? What was the price before the discount? What is the most I will spend on it? How much do I spend on food
weekly? How much pocket money do the children get? Which charity do I give money to? How much did I donate last time?
By what date must I file my taxes? Who does my tax return? How much tax was I paid back? How much was the fine I
received? What was the fine for? Which purchase do I regret? What was the last expensive thing I bought? How do I like
to pay in shops? Which supplier raised its prices? Above what amount should you ask me first? What should you never
buy for me? How much was the repair bill?
"""
_FAMILY = """
What is my husband called? What is my wife's name? Who is my partner? When did we get married?
What are my children called? How many children do I have? How old is my son?
How old is my daughter? What does my son like? What is my daughter learning?
Which instrument does my child play? Who teaches my child? Which school do the children go to? Who is my mother?
What does my father do? Where do my parents live? What is my brother called?
What does my sister do for a living? Who is my mother-in-law? What is my partner's mother called?
What is my cousin's job? Which relative visits us? How often does my family visit? Who is my aunt?
Where does my aunt live? Who are my grandparents? When do I fetch my child?
How long have my spouse and I been together? Where did I first meet my partner? Where did our wedding take place? On
what date is our wedding anniversary? What is my spouse's occupation? Where does my other half come from? When was my
youngest child born? How many brothers and sisters do I have? Which of my siblings is the eldest? Where does my
brother live now? How old is my little sister? When is my sister getting married? Whom is my sister going to marry?
What is my brother studying? What does my mother do for work? Since when has my father been retired? How old is my dad
turning? From which country does my mother's family come? What did my grandfather do for a living? To what age did my
grandmother live? What did I inherit from my grandparents? Which relative of mine lives abroad? Which relative do I
not get on with? Why did my relatives stop talking? Which relative has recently died? Who in the family is expecting a
baby? When is the baby due? What name was chosen for the baby? How many grandchildren or nephews do I have? What does
my niece want to become? Which class is my child in? Which subject does my son find difficult? What is my daughter's
favourite toy? What are the children afraid of at night? At what time do the children go to bed? Which food do the
children refuse to eat? How long may the children watch screens? Who minds the children while we work? How often does
the babysitter come? Which sport does my daughter do? Which activity did my son give up? How often do I phone my
parents? With which relative do we spend the holidays? Who is my child's godparent? What do my parents need help with?
"""
_PEOPLE = """
Who is my best friend? Who is my old friend? Where did I meet my friend? What does my friend do?
Who am I going to meet? Who helps me? Who looks after me? Who gave it to me? Who found it? Who told me so?
What does he do for a living? What does she do for a living? Where does he live? Where does she live?
What does he want from me? What does she want me to do? What does she like? What does he hate?
What is he allergic to? How old is she? When does he visit? When do I see her? What is he learning?
Who did I invite? What nickname do I have?
How long have I known my oldest friend? Through whom did I get to know him? Whom can I call in an emergency? Which
friend has moved away? Which country did my friend move to? Whose birthday must I not forget? On what date is my
friend's birthday? What does my friend wish for as a present? What present did I give my friend? Which friend is
getting divorced? Why did I fall out with my friend? Whom do I no longer speak to? Who has apologised to me since
then? To whom did I promise my help? What did I promise to do for someone? Who gave me this advice? What advice did
she give me? Who recommended it to me? Who introduced us to each other? Who drives me when I need a lift? Whom do I
admire most? Which teacher influenced me most? What did my teacher always say? Which hairdresser do I go to? Who looks
after the house while I'm away? Who is staying with us as a guest? How long is our guest going to stay? What must our
guest not eat? Where is he originally from? Which language does she speak at home? How old will he be this year? At
which university is she studying? What does he need the money for? What makes her so nervous? Why is he angry with me?
Why can she not come? What instrument does she play? Which sport is he keen on? What has he just started doing? What
does she find annoying? With whom does he share a flat? What did they name their newborn? How did they surprise me?
Whom should you not mention to me? How often do my friends and I meet?
"""
_PETS = """
What is my pet called? What did I name my dog? What is our cat's name? What kind of animal do I have?
What breed is my dog? How old is my pet? What is my pet afraid of? Where does my pet hide?
Where does my pet sleep? What does my pet eat? Who looks after my pet?
How many animals do we keep? Which animals live with us? Where did we get our pet from? When did the animal come to
us? What colour is the dog's coat? How much does the dog weigh? What breed is the cat? Whom was the cat named after?
What nickname does our pet have? Is our pet male or female? How often must the dog be walked? Who takes the dog out in
the mornings? Where do we like to walk the dog? At what time is the pet fed? How many times a day does it eat? Which
treat does the dog love most? Which food makes our pet ill? What may the dog never be given? Which brand of feed do we
buy? How much does the animal food cost? Which vet do we go to? When is the next visit to the vet? What did the vet
find wrong? Which injection does my pet need? What medicine does the cat have to take? Which leg did the animal
injure? Which noise frightens the dog? Which toy does the cat prefer? What has the dog chewed to pieces? What does the
dog bark at? What trick has my pet learnt? Which command does the dog ignore? Where is the cat not allowed to sleep?
Which room must the dog stay out of? Where was the runaway animal found? For how long was our pet missing? Which
animal would I like to have next? Which animal do I not want at home? Who in the family is allergic to fur? With which
other animal does it not get on? How many young did the animal have? What are we doing with the puppies or kittens?
Who minds the animals when we travel? Which pet did I have as a child? When did our old pet die?
"""
_WORK = """
 What do I do for a living? What is my profession? Which company do I work for?
What is my position? Who do I report to? When do I report to my boss? What does my boss want?
How big is my team? How many people work with me? Who is on my team? What does my colleague do?
What is our project called? What is my project about? What is my task? How many of them do we have to do?
When is the deadline? By which date do I have to finish? What is the new date? When do we meet?
Where does my team meet? At what time is our meeting? Which rule do we have? Which machine do I use?
What is my computer called? How much storage do we have? Where do I keep my files? What should you never do?
What should you avoid in your answers? What did we celebrate? What am I going to present?
Where am I going to speak? When is my talk? Who are my customers? What is my shop called? Where is my shop?
When am I open?
Which employer do I work for now? In which industry do I work? In which department do I work? Since when have I had
this job? How many hours a week do I work? On which days do I work from home? On which days am I off work? At what
time does my working day begin? At what hour do I finish work? Which shift am I on this week? What did I do before
this job? Why did I leave my last job? Which job did I turn down? What is my new role at work? When do I start my new
job? When was I last promoted? How many candidates applied for the post? When is my job interview? How many days of
leave do I have? When does my contract end? How long is my notice period? What do I like least about my job? Which
duty would I rather hand over? Which client is giving us trouble? What does the customer want changed? Which client
did we lose this year? By what date does the client need it? To which date was the deadline moved? Why was our project
delayed? How much money does the project have? What is the code name of our project? In which phase is our project
now? Which programming language do we work with? Which database or tool does our system use? Which version are we
running at present? Which software did we stop using? Why did we switch to another system? What error keeps coming up?
What caused the fault last time? How often do we make a backup? Where are the documents for the project stored? Which
format must the report have? How many pages should my report have? Who must sign off the document? Which rule applies
before we release anything? What may you not send without asking me?
"""
_TEAM = """
Who is at the head of our department? How many colleagues do I have? Who has joined our team recently? Who is leaving
the team this month? Who is taking over from my colleague? Who stands in for me when I'm away? When is my colleague
back from leave? Who is off sick at the moment? Which colleague do I share an office with? Where does my colleague
sit? With whom do I work most closely? Which colleague gets on my nerves? What is my colleague an expert in? Whom
should I ask about technical problems? Who is in charge of the budget? Who looks after the customers in our team? Who
is responsible for testing? Who checks my work before it goes out? Who is writing the minutes? Who is going to chair
the meeting? In which room is the meeting held? On what day do we have our weekly meeting? How often does our team get
together? How long do our meetings last? When was the meeting moved to? Why was the meeting called off? Which meeting
should you cancel for me? Which meeting can I not attend? On which mornings should you book no meetings? After what
time should you not schedule calls? With whom is my call this afternoon? At what hour is the video call? What is the
main topic of the meeting? What did we agree on in the meeting? Who was against the proposal? Who suggested the new
idea? What does the manager expect of us? What did my supervisor criticise? What did the boss praise me for? How many
people are we going to hire? In which city is the other office? In which time zone is the other team? Which channel
does the team use for messages? Where is our team outing taking place? What did the team give as a farewell present?
Who mentors me at work?
"""
_TRAVEL = """
Where am I travelling? When do I leave? On which date do we set off? Where do we start?
How long am I going to be away? How many days does the trip take? Who is travelling with me? How do I travel?
Which train do we take? On which day does it leave? At what time does it leave? Where do we stay first?
What is my hotel called? In which town do we spend the night? Where do we stay longer? Which seats do we have?
What am I packing? What do I want to see? What is my car called? How do I get to work? How far is it to work?
When do I come back?
Where are we going on holiday this year? In which month are we going away? Why are we making this journey? How many
nights are we staying there? How are we getting to the airport? Which airline am I flying with? From which airport
does our flight leave? At what time does my plane land? Which seat do I like on a plane? Where do I have to change
trains? From which platform does my train leave? How much was the ticket? How long does the journey take? What kind of
accommodation did we book? On which floor is our hotel room? Who is collecting us on arrival? Who can't come along on
the trip? With whom am I sharing a room? Which destination did we choose instead? Why was the trip cancelled? To when
was our departure postponed? Which document do I need for the trip? When does my passport expire? Do I need a visa for
it? Which vaccination do I need before we go? Which currency will I need there? Which sight do I not want to miss?
Where did we go on holiday last year? What was the best trip I ever took? Which country have I always wanted to visit?
Which place would I never go back to? Which continent have I not been to yet? Which means of transport do I avoid? Why
do I not like flying? What got lost on the journey? How many suitcases am I taking? What must I not forget to pack?
What make of car do I drive? What vehicle do I drive or ride? How many miles has my vehicle done? When is my car due
for its service? Where do I usually park? How long is my journey to work? Which bus line do I take? Where did we rent
the car?
"""
_FOOD = """
What is my favourite food? What do I have for breakfast? What do I eat for lunch? What do I drink?
What did I give up? What can I not stand?
What am I allergic to? Who must not eat it? What am I not allowed to eat? What do I cook? Which bread do I like?
Which cake do I like? What do we bake? How do I take my coffee? Which tea do I like? What is my diet?
Which spice do I like? Where are we going to eat? What is the restaurant called?
Which dish do I like more than any other? Which cuisine do I enjoy most? Which meal do I usually skip? At what time do
we have dinner? Who does the cooking in our household? What is my best dish to cook? Whose recipe do I use? Which
secret ingredient goes into the dish? How long does it have to bake? How many eggs does the recipe need? Which
ingredient should you leave out of recipes? Which foods should you never suggest to me? Since when have I not eaten
meat? Why do I no longer eat it? Which kind of meat do I avoid? Which fruit do I like best? Which fruit can I not eat?
Which fish or seafood do I dislike? What gives me a stomach ache? Which nuts must I stay away from? What can I not
digest? How hot do I like my food? Which cheese do I prefer? Which ice cream flavour do I choose? Which sweets can I
not resist? Which pizza topping do I hate? Which drink do I have every morning? How many cups of coffee do I drink
daily? After what time do I avoid caffeine? Which milk do I take in my drinks? How much sugar do I have in it? Which
alcoholic drink do I like? Since when have I not drunk alcohol? How much water should I drink a day? Which soft drink
did I stop drinking? Where do I do my grocery shopping? On which day do we order a takeaway? For what time did I book
the table? For how many people is the table booked? Which place do I like to eat at? Why will I never eat there again?
What are we serving to the guests? What kind of cake is there for the birthday? Which snack do I take to work? On
which days do I fast?
"""
_HEALTH = """
Which medicine do I take? How many tablets do I take? When do I take my medicine? What illness do I have?
Which operation did I have? When was my operation? Who is my doctor? What did my doctor say?
How much weight should I lose? When is my appointment? Who treats me? Which exercises do I do?
Which sport do I do? How often do I train? How far do I run? Who is my trainer? When do I go to bed?
Why was I in hospital?
Which disease was I diagnosed with? When was I diagnosed with it? Since when have I had this pain? Which part of my
body hurts? Which bone did I break? How did I get injured? Which joint gives me trouble? When do I have to see the
dentist? What does the dentist need to do? Which specialist was I referred to? At what hour is my doctor's
appointment? To which day was my appointment changed? In which hospital was I treated? How many days was I kept in
hospital? Which tests do I still need to have? What did my blood test show? What is my blood group? How high is my
blood pressure? What dose of the medicine do I take? Which medication did I have to stop? Which drug causes me side
effects? Which medicine must I never be given? What should I take my pills with? Which remedy helps with my headaches?
Which vitamin am I short of? What sets off my allergy? In which season is my allergy worst? How many hours do I sleep
at night? What keeps me awake at night? How many kilos have I lost? What do I weigh at the moment? What weight am I
aiming for? When did I stop smoking? How many steps do I aim for each day? On which days do I go to the gym? Which
exercise is bad for my back? Which sport did I have to give up? How often do I see the physiotherapist? For how long
must I rest? What has the doctor forbidden me? Who came with me to the clinic? Which illness runs in our family? What
is wrong with my eyes? Which ear do I hear badly with? Who should be called if I fall ill?
"""
_LEISURE = """
What is my hobby? What do I do at the weekend? What do I do in the evening? What do I do every Sunday?
 What music do I like? Which band do I like? Which song do I love?
Which film do I like best? Which films can I not stand? Who is my favourite director? Which actor do I like?
What am I reading? Who is my favourite writer? What do I collect? How many do I own? Which one is my favourite?
Which team do I support? What do I make with my hands? What did I make? What do I paint?
What do I want to learn? Which course am I taking? On which day is my course? Where do I study?
What did I win? Which concert did I go to?
How do I like to spend my free time? Which pastime did I take up recently? How long have I been doing my hobby? Why
did I give up my old hobby? How often do I practise my instrument? How many years have I played the instrument? Who
taught me to play? In which choir or band do I perform? When is our next performance? Which piece am I rehearsing just
now? Which composer do I love most? Which kind of music do I dislike? Which singer do I listen to most? What was the
first concert I attended? Which book has impressed me most? What kind of books do I enjoy? How many books do I read a
year? Which book did I not finish? When does our book club meet? Which series am I watching at the moment? What kind
of film do I avoid? Which game do I like to play? With whom do I play games? On which evening is our games night?
Which board game did we play last? Which club am I a member of? Since when have I been in the club? What post do I
hold in the club? Where do I volunteer in my spare time? Which sport do I watch on television? Which place did I come
in the race? How long is the race I'm training for? What was my time in the race? Where do I go swimming or running?
Which mountain or route did I hike? With whom do I go hiking? Where do I like to go fishing or camping? Which dance am
I learning to do? How much do my lessons cost? What am I sewing or knitting just now? For whom am I making it? What do
I like to photograph? Which museum or exhibition did I visit? What was the title of the play? How many pieces are in
my collection?
"""
_THINGS = """
What is it called? What name did I give it? How old is it? How big is it? How heavy is it? What colour is it?
What is it made of? What does it look like? Where is it kept? Where did I find it? Which year is it from?
In which year was it? How many are there? How many hours did it take? How long did I work on it?
How many years ago was it? Where did it happen? When did it happen? On which day of the week is it?
At what time is it? Where does it take place? What kind of tree is it? What do I always carry with me?
Which phone do I use nowadays? What make is my laptop? Which operating system is on my computer? How large is the
screen of my device? Which device did I have repaired? What is wrong with my device? How long is the guarantee on it?
Which device would I never part with? Which gadget was a waste of money? Which possession means the most to me? Which
object has been in the family for generations? From whom did I get the watch or jewellery? What is engraved on it?
What material is my jewellery made of? Which stone is in the ring? What did I get for my birthday? What did I leave on
the bus or train? Where did I lose my belongings? Where did it turn up again? What has been stolen from me? Which item
did I lend to someone? Who borrowed it from me? When will I get it back? What have I borrowed from someone? Which tool
do I need to borrow? What kind of bicycle do I ride? How many gears does it have? What make is my instrument? Who made
the instrument that I own? What kind of camera do I use? Which garment do I wear in winter? What colour is my
favourite coat? Which fabric can I not bear to wear? Which outfit am I wearing to the occasion? What kind of bag do I
carry? What do I always keep in my pocket? What do I keep in the drawer? Where do I keep important papers? Which
document am I still missing? Which parcel am I waiting for? When will my order be delivered? Why did I send the order
back? What did I give away to charity? What did I restore or rebuild myself? How many parts does it consist of?
"""
_PLANS = """
What are my plans? What do I want to do next? What do I hope for? What did I decide? What has changed?
What was moved to another day? What did I forget? What did I lose? What is my goal? When is the party?
Who is coming to the party? By when do I want to have it done? What went wrong? What do I prefer?
What do I dislike? What do I never do?
What am I planning for the summer? What are we doing this weekend? What have I planned for my birthday? How many
guests are we expecting? At which venue are we celebrating? Which occasion are we going to celebrate? What is the
dress code for the occasion? Who cannot make it to the celebration? What am I bringing to the party? Who is organising
the event? By when do the guests have to reply? On what date is the event now? Why was the date put off? What is the
new time for it? Where was the event moved to? Which plan did I abandon? Why did I change my mind? Which option did I
choose in the end? Between which two options am I undecided? What is my reason for deciding that way? What is my
resolution for this year? Which skill do I want to improve? Which qualification am I working towards? When am I taking
the driving test? How many times have I failed the test? When do I want to retire? Where would I like to live one day?
What do I dream of doing one day? Which business would I like to start? When are we opening the new place? What do I
still have to prepare? What must I finish before the holidays? Which paper do I have to hand in? Whom do I have to
ring back? Which errand do I have to run today? What should you remind me of? On which day should you remind me? How
far ahead do I want reminders? What should you keep secret for me? From whom must it be kept secret? When should you
not disturb me? What should you always ask me beforehand? What do I not need your help with? How should you list
things for me? What will I do if it rains?
"""

QUESTIONS: tuple[str, ...] = tuple(
    re.findall(
        r"[A-Z][^?]*\?",
        " ".join(
            f"{_SELF}{_HOME}{_MONEY}{_FAMILY}{_PEOPLE}{_PETS}{_WORK}{_TEAM}{_TRAVEL}{_FOOD}{_HEALTH}{_LEISURE}{_THINGS}{_PLANS}".split()
        ),
    )
)
"""All of them; no two alike."""
