"""Names that mean the same to everybody: "Tell me about Spain." is asked after the country.

Whoever learned what a user said of it as the answer would take every such question for one about them. Left out are
countries, peoples, languages, cities, days, feasts, firms, makes of cars, artists and abbreviations that are
known everywhere. The words are English.
"""

from __future__ import annotations

_COUNTRIES = """
afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh
barbados belarus belgium belize benin bhutan bolivia bosnia botswana brazil brunei bulgaria burma cambodia cameroon
canada chile china colombia congo croatia cuba cyprus czechia denmark ecuador egypt england eritrea estonia
ethiopia fiji finland france gabon gambia germany ghana greece greenland guatemala guinea guyana haiti holland honduras
hungary iceland india indonesia iran iraq ireland israel italy jamaica japan kazakhstan kenya kosovo kuwait kyrgyzstan
laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg madagascar malawi malaysia maldives mali
malta mauritania mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar namibia nepal
netherlands nicaragua niger nigeria norway oman pakistan palestine panama paraguay peru philippines poland portugal
qatar romania russia rwanda samoa scotland senegal serbia singapore slovakia slovenia somalia spain sudan sweden
switzerland syria taiwan tajikistan tanzania thailand togo tonga tunisia turkey turkmenistan uganda ukraine uruguay
uzbekistan venezuela vietnam wales yemen zambia zimbabwe
africa antarctica asia europe oceania scandinavia britain balkans caribbean mediterranean atlantic pacific alps
himalayas sahara siberia california texas florida hawaii alaska bavaria tuscany sicily sardinia crete corsica provence
andalusia catalonia brittany normandy cornwall yorkshire tenerife majorca mallorca ibiza bali
"""
_OF_TWO_WORDS = """
cape verde, costa rica, czech republic, dominican republic, el salvador, great britain, hong kong, ivory coast, new
zealand, north korea, northern ireland, north macedonia, papua new guinea, puerto rico, san marino, saudi arabia, sierra
leone, south africa, south korea, south sudan, sri lanka, united kingdom, united states, united states of america,
united arab emirates, north america, south america, latin america, central america, middle east, far east, western
europe, eastern europe, north sea, baltic sea, black sea, abu dhabi, buenos aires, cape town, ho chi minh city, kuala
lumpur, las vegas, los angeles, mexico city, new delhi, new orleans, new york, new york city, rio de janeiro, salt lake
city, san diego, san francisco, san jose, santo domingo, são paulo, sao paulo, st petersburg, st. petersburg, tel aviv,
the hague, washington dc, south american, north american, latin american, new year, new year's eve, new year's day,
christmas eve, christmas day, boxing day, good friday, easter sunday, easter monday, pancake day, bonfire night,
mother's day, father's day, valentine's day, st patrick's day, yom kippur, google maps, google drive, google docs, apple
music, amazon prime, disney plus, prime video, power bi, visual studio, vs code, premier league, champions league, world
cup, youtube music, microsoft teams, microsoft word, microsoft office
"""
_PEOPLES = """
african afghan albanian algerian american anglican arab arabic argentinian armenian asian australian austrian basque
bavarian belgian bengali bolivian bosnian brazilian british bulgarian cambodian canadian cantonese catalan catholic
chilean chinese christian colombian cornish croatian cuban czech danish dutch egyptian english estonian ethiopian
european farsi filipino finnish flemish french gaelic german ghanaian greek gujarati hebrew hindi hungarian icelandic
indian indonesian iranian iraqi irish israeli italian jamaican japanese jewish kenyan korean kurdish latin latvian
lebanese lithuanian malay malaysian maltese mandarin mexican mongolian moroccan muslim nepalese nepali nigerian
norwegian pakistani persian peruvian polish portuguese protestant punjabi romanian russian scandinavian scottish serbian
sikh slovak slovenian somali spanish swahili swedish swiss syrian tamil thai tibetan tunisian turkish ukrainian urdu
vietnamese welsh yiddish zulu british australians americans germans italians europeans
islam christianity judaism buddhism hinduism catholicism buddhist hindu
"""
_CITIES = """
accra addis algiers amsterdam ankara antwerp athens atlanta auckland baghdad bangkok barcelona basel beijing
beirut belfast belgrade bergen berlin bern birmingham bogota bogotá bologna bordeaux boston bratislava brisbane bristol
bruges brussels bucharest budapest cairo calcutta cambridge canberra caracas cardiff casablanca chennai chicago cologne
copenhagen dallas damascus delhi denver detroit dhaka dresden dubai dublin düsseldorf edinburgh frankfurt
geneva genoa glasgow gothenburg granada hamburg hanoi havana helsinki houston hyderabad istanbul jakarta jerusalem
johannesburg karachi kathmandu kiev kolkata krakow kraków kyiv kyoto lagos lahore leeds leipzig lima lisbon liverpool
ljubljana london lyon lyons madrid malaga málaga manchester manila marrakech marseille melbourne miami milan
minneapolis minsk montreal moscow mumbai munich nairobi naples newcastle nice nottingham osaka oslo ottawa oxford
palermo paris perth philadelphia phoenix pittsburgh porto portland prague pretoria quito reykjavik riga rome rotterdam
salzburg sarajevo seattle seoul seville shanghai sheffield singapore stockholm strasbourg stuttgart
taipei tallinn tehran tokyo toronto toulouse tunis turin valencia vancouver venice verona vienna vilnius warsaw
washington wellington zagreb zurich zürich
"""
_FEASTS = """
christmas easter halloween hanukkah diwali ramadan eid thanksgiving passover pentecost whitsun xmas hogmanay
epiphany advent purim
"""
_FIRMS = """
google gmail amazon netflix whatsapp excel python facebook instagram twitter youtube spotify microsoft windows apple
iphone ipad macbook android linux powerpoint outlook teams slack zoom skype tiktok linkedin reddit wikipedia paypal
ebay airbnb uber ikea tesco lidl aldi sainsbury's waitrose walmart starbucks mcdonald's samsung sony nintendo
playstation xbox lego disney adidas nike toyota honda bmw audi volkswagen tesla ryanair easyjet
lufthansa dhl fedex ups visa mastercard chatgpt openai pinterest snapchat telegram dropbox java javascript
photoshop wordpress etsy kindle bluetooth internet wi-fi wifi covid covid-19 olympics wimbledon
"""
_CARS = """
bugatti cadillac chevrolet chrysler citroen citroën dacia ferrari fiat hyundai jaguar jeep
lamborghini lexus maserati mazda mercedes-benz mitsubishi nissan opel peugeot porsche renault
rolls-royce saab skoda škoda subaru suzuki vauxhall volvo vw yamaha kawasaki vespa harley-davidson
"""
_MIDDLING = """
aarhus aberdeen augsburg bilbao bonn bremen calgary cork coventry dortmund dundee dunedin eindhoven essen
freiburg gdansk gdańsk ghent graz grenoble groningen hannover hanover heidelberg innsbruck karlsruhe kiel lausanne
leiden leicester leuven lille linz lübeck luebeck maastricht malmo malmö mannheim milwaukee montpellier münster nantes
norwich nuremberg nürnberg odense plymouth portsmouth poznan poznań rennes rostock southampton stavanger swansea tampere
tartu trieste trondheim uppsala utrecht winnipeg wolverhampton wroclaw wrocław
"""
_ARTISTS = """
agatha christie, albert einstein, andy warhol, bob dylan, bob marley, billie eilish, billie holiday, britney spears,
bruce springsteen, celine dion, charles darwin, charles dickens, charlotte brontë, charlie chaplin, claude monet, david
attenborough, david bowie, david beckham, dolly parton, ed sheeran, edith piaf, ella fitzgerald, elton john, elvis
presley, emily brontë, emily dickinson, ernest hemingway, fleetwood mac, franz kafka, freddie mercury, frank sinatra,
frida kahlo, george orwell, haruki murakami, harry potter, harry styles, isaac newton, j.k. rowling, j.r.r. tolkien,
jane austen, james bond, jamie oliver, jimi hendrix, john lennon, johnny cash, joni mitchell, justin bieber, kate bush,
lady gaga, leo tolstoy, leonard cohen, leonardo da vinci, lionel messi, louis armstrong, margaret atwood, marie curie,
mark twain, michael jackson, miles davis, nick cave, nina simone, oscar wilde, pablo picasso, paul mccartney, pink
floyd, roald dahl, salvador dalí, sherlock holmes, stephen king, star trek, star wars, sylvia plath, taylor swift, terry
pratchett, the beatles, the rolling stones, tom waits, van gogh, vincent van gogh, virginia woolf, whitney houston,
william shakespeare
"""
_BY_ONE_NAME = (
    "bach beatles beethoven beyoncé chopin mozart picasso shakespeare tchaikovsky tolkien vivaldi rembrandt abba"
)
_SHORT = """
ai atm bbc bmi ceo cfo cto cv diy dna dvd eu gcse gmt gp gps hq hr id iq it itv led lgbt mba mot mp mri nasa nato nba
nfl nhs ok oap pa pc pdf phd pin pms pr ps ptsd rsvp sat sms tb tv uae uk un us usa usb u.s u.k u.s.a utc
vat vip vpn wc wwi wwii adhd asap bbq cbt er ibs iud ivf a&e api sql html css url faq nda kpi pto
mon tue tues wed thu thur thurs fri feb apr jun jul aug sept oct nov
"""

_PAIRS = """
trinidad and tobago, bosnia and herzegovina, antigua and barbuda, são tomé and príncipe, tyne and wear, marks and
spencer, bang and olufsen, dolce and gabbana, johnson and johnson, procter and gamble, ben and jerry, barnes and
noble, black and decker, smith and wesson, crate and barrel, abercrombie and fitch, holland and barrett, fortnum and
mason, dungeons and dragons, romeo and juliet, pride and prejudice, sense and sensibility, crime and
punishment, war and peace, simon and garfunkel, hall and oates, oxford and
cambridge, rhythm and blues, fish and chips, lilo and stitch, beauty and the beast
"""


def _listed(names: str) -> list[str]:
    return [" ".join(name.split()) for name in names.split(",")]


WORLDLY = frozenset(
    [
        *(_COUNTRIES + _PEOPLES + _CITIES + _FEASTS + _FIRMS + _CARS + _MIDDLING + _BY_ONE_NAME + _SHORT).split(),
        *_listed(_OF_TWO_WORDS + "," + _ARTISTS),
    ]
)
"""In small letters."""
PAIRS = frozenset(_listed(_PAIRS))
"""Names with an "and" in them that are one, in small letters."""


def is_worldly(name: str) -> bool:
    """Whether a name means the same to everybody: a country, a language, a city that is known everywhere."""
    return name.lower().removesuffix(".") in WORLDLY
