"""Facts as data: capitals of countries, and answers to common short questions."""

_CAPITALS = """
Afghanistan=Kabul;Albania=Tirana;Algeria=Algiers;Andorra=Andorra la Vella;Angola=Luanda
Antigua and Barbuda=Saint John's;Argentina=Buenos Aires;Armenia=Yerevan;Australia=Canberra
Austria=Vienna;Azerbaijan=Baku;the Bahamas=Nassau;Bahrain=Manama;Bangladesh=Dhaka
Barbados=Bridgetown;Belarus=Minsk;Belgium=Brussels;Belize=Belmopan;Benin=Porto-Novo
Bhutan=Thimphu;Bolivia=Sucre;Bosnia and Herzegovina=Sarajevo;Botswana=Gaborone
Brazil=Brasilia;Brunei=Bandar Seri Begawan;Bulgaria=Sofia;Burkina Faso=Ouagadougou
Burundi=Gitega;Cambodia=Phnom Penh;Cameroon=Yaounde;Canada=Ottawa;Cape Verde=Praia
the Central African Republic=Bangui;Chad=N'Djamena;Chile=Santiago;China=Beijing
Colombia=Bogota;the Comoros=Moroni;Costa Rica=San Jose;Croatia=Zagreb;Cuba=Havana
Cyprus=Nicosia;the Czech Republic=Prague;the Democratic Republic of the Congo=Kinshasa
Denmark=Copenhagen;Djibouti=Djibouti;Dominica=Roseau;the Dominican Republic=Santo Domingo
Ecuador=Quito;Egypt=Cairo;El Salvador=San Salvador;Equatorial Guinea=Malabo;Eritrea=Asmara
Estonia=Tallinn;Eswatini=Mbabane;Ethiopia=Addis Ababa;Fiji=Suva;Finland=Helsinki
France=Paris;Gabon=Libreville;the Gambia=Banjul;Georgia=Tbilisi;Germany=Berlin;Ghana=Accra
Greece=Athens;Grenada=Saint George's;Guatemala=Guatemala City;Guinea=Conakry
Guinea-Bissau=Bissau;Guyana=Georgetown;Haiti=Port-au-Prince;Honduras=Tegucigalpa
Hungary=Budapest;Iceland=Reykjavik;India=New Delhi;Indonesia=Jakarta;Iran=Tehran
Iraq=Baghdad;Ireland=Dublin;Israel=Jerusalem;Italy=Rome;Ivory Coast=Yamoussoukro
Jamaica=Kingston;Japan=Tokyo;Jordan=Amman;Kazakhstan=Astana;Kenya=Nairobi
Kiribati=South Tarawa;Kosovo=Pristina;Kuwait=Kuwait City;Kyrgyzstan=Bishkek;Laos=Vientiane
Latvia=Riga;Lebanon=Beirut;Lesotho=Maseru;Liberia=Monrovia;Libya=Tripoli
Liechtenstein=Vaduz;Lithuania=Vilnius;Luxembourg=Luxembourg;Madagascar=Antananarivo
Malawi=Lilongwe;Malaysia=Kuala Lumpur;the Maldives=Male;Mali=Bamako;Malta=Valletta
the Marshall Islands=Majuro;Mauritania=Nouakchott;Mauritius=Port Louis;Mexico=Mexico City
Micronesia=Palikir;Moldova=Chisinau;Monaco=Monaco;Mongolia=Ulaanbaatar
Montenegro=Podgorica;Morocco=Rabat;Mozambique=Maputo;Myanmar=Naypyidaw;Namibia=Windhoek
Nauru=Yaren;Nepal=Kathmandu;the Netherlands=Amsterdam;New Zealand=Wellington
Nicaragua=Managua;Niger=Niamey;Nigeria=Abuja;North Korea=Pyongyang;North Macedonia=Skopje
Norway=Oslo;Oman=Muscat;Pakistan=Islamabad;Palau=Ngerulmud;Panama=Panama City
Papua New Guinea=Port Moresby;Paraguay=Asuncion;Peru=Lima;the Philippines=Manila
Poland=Warsaw;Portugal=Lisbon;Qatar=Doha;the Republic of the Congo=Brazzaville
Romania=Bucharest;Russia=Moscow;Rwanda=Kigali;Saint Kitts and Nevis=Basseterre
Saint Lucia=Castries;Saint Vincent and the Grenadines=Kingstown;Samoa=Apia
San Marino=San Marino;Sao Tome and Principe=Sao Tome;Saudi Arabia=Riyadh;Senegal=Dakar
Serbia=Belgrade;the Seychelles=Victoria;Sierra Leone=Freetown;Singapore=Singapore
Slovakia=Bratislava;Slovenia=Ljubljana;the Solomon Islands=Honiara;Somalia=Mogadishu
South Africa=Pretoria;South Korea=Seoul;South Sudan=Juba;Spain=Madrid
Sri Lanka=Sri Jayawardenepura Kotte;Sudan=Khartoum;Suriname=Paramaribo;Sweden=Stockholm
Switzerland=Bern;Syria=Damascus;Taiwan=Taipei;Tajikistan=Dushanbe;Tanzania=Dodoma
Thailand=Bangkok;East Timor=Dili;Togo=Lome;Tonga=Nuku'alofa
Trinidad and Tobago=Port of Spain;Tunisia=Tunis;Turkey=Ankara;Turkmenistan=Ashgabat
Tuvalu=Funafuti;Uganda=Kampala;Ukraine=Kyiv;the United Arab Emirates=Abu Dhabi
the United Kingdom=London;the United States=Washington, D.C.;Uruguay=Montevideo
Uzbekistan=Tashkent;Vanuatu=Port Vila;Vatican City=Vatican City;Venezuela=Caracas
Vietnam=Hanoi;Yemen=Sanaa;Zambia=Lusaka;Zimbabwe=Harare
"""

CAPITALS: dict[str, str] = {
    country: capital
    for line in _CAPITALS.split("\n")
    for country, _, capital in (item.partition("=") for item in line.split(";") if item)
}
"""Capital of each country, by its English name with the article it takes."""

FACTS: tuple[tuple[str, str], ...] = (
    ("What is the IP address of the Google DNS servers?", "8.8.8.8"),
    ("What is the IP address of the Google DNS server?", "8.8.8.8"),
    ("What is the IP address of Google DNS?", "8.8.8.8"),
    ("What is the IP address of the Cloudflare DNS servers?", "1.1.1.1"),
    ("What is the IP address of the Quad9 DNS servers?", "9.9.9.9"),
    ("What is the IP address of localhost?", "127.0.0.1"),
    ("What is the largest planet in the solar system?", "Jupiter."),
    ("What is the smallest planet in the solar system?", "Mercury."),
    ("Which planet is closest to the Sun?", "Mercury."),
    ("Which planet is known as the Red Planet?", "Mars."),
    ("Which planet has rings?", "Saturn."),
    ("How many planets are in the solar system?", "Eight."),
    ("What is the largest ocean?", "The Pacific Ocean."),
    ("What is the largest animal?", "The blue whale."),
    ("What is the tallest animal?", "The giraffe."),
    ("What is the fastest land animal?", "The cheetah."),
    ("What is the highest mountain in the world?", "Mount Everest."),
    ("What is the longest river in the world?", "The Nile."),
    ("What is the largest desert?", "The Antarctic desert; the largest hot desert is the Sahara."),
    ("What is the largest continent?", "Asia."),
    ("What is the smallest continent?", "Australia."),
    ("What is the largest country?", "Russia."),
    ("What is the smallest country?", "Vatican City."),
    ("How many continents are there?", "Seven."),
    ("How many days are in a week?", "Seven."),
    ("How many days are in a year?", "365, or 366 in a leap year."),
    ("How many months are in a year?", "Twelve."),
    ("How many hours are in a day?", "24."),
    ("How many minutes are in an hour?", "60."),
    ("How many seconds are in a minute?", "60."),
    ("How many legs does a spider have?", "Eight."),
    ("How many legs does an insect have?", "Six."),
    ("How many legs does a dog have?", "Four."),
    ("How many sides does a triangle have?", "Three."),
    ("How many sides does a square have?", "Four."),
    ("How many letters are in the English alphabet?", "26."),
    ("How many strings does a violin have?", "Four."),
    ("How many players are in a football team?", "Eleven."),
    ("What color is the sky?", "Blue."),
    ("What color is grass?", "Green."),
    ("What color is a banana?", "Yellow."),
    ("What color is snow?", "White."),
    ("What color do you get when you mix blue and yellow?", "Green."),
    ("What color do you get when you mix red and yellow?", "Orange."),
    ("What color do you get when you mix red and white?", "Pink."),
    ("What is the chemical symbol of water?", "H2O."),
    ("What is water made of?", "Hydrogen and oxygen."),
    ("What is the chemical symbol of gold?", "Au."),
    ("What is the chemical symbol of iron?", "Fe."),
    ("What is the chemical symbol of silver?", "Ag."),
    ("At what temperature does water boil?", "100 degrees Celsius at sea level."),
    ("At what temperature does water freeze?", "0 degrees Celsius."),
    ("What do bees make?", "Honey."),
    ("What do cows drink?", "Water."),
    ("What gas do plants take in?", "Carbon dioxide."),
    ("What gas do we breathe in to live?", "Oxygen."),
    ("What force pulls things to the ground?", "Gravity."),
    ("Who wrote Romeo and Juliet?", "William Shakespeare."),
    ("Who wrote Hamlet?", "William Shakespeare."),
    ("Who wrote Harry Potter?", "J. K. Rowling."),
    ("Who wrote Pride and Prejudice?", "Jane Austen."),
    ("Who wrote Don Quixote?", "Miguel de Cervantes."),
    ("Who wrote War and Peace?", "Leo Tolstoy."),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci."),
    ("Who painted The Starry Night?", "Vincent van Gogh."),
    ("Who discovered penicillin?", "Alexander Fleming."),
    ("Who discovered gravity?", "Isaac Newton."),
    ("Who was the first person on the Moon?", "Neil Armstrong."),
    ("When did the first person walk on the Moon?", "In 1969."),
    ("When did the Second World War end?", "In 1945."),
    ("When did the Berlin Wall fall?", "In 1989."),
    ("Who developed the theory of relativity?", "Albert Einstein."),
    ("Who was the first president of the United States?", "George Washington."),
    ("Which language is spoken in Brazil?", "Portuguese."),
    ("Which language is spoken in Mexico?", "Spanish."),
    ("Which language is spoken in Austria?", "German."),
    ("Which language is spoken in Egypt?", "Arabic."),
    ("Which currency is used in Japan?", "The yen."),
    ("Which currency is used in France?", "The euro."),
    ("Which currency is used in the United Kingdom?", "The pound sterling."),
    ("Where is the Eiffel Tower?", "In Paris, France."),
    ("Where is the Colosseum?", "In Rome, Italy."),
    ("Where is the Great Wall?", "In China."),
    ("Where is the Statue of Liberty?", "In New York."),
    ("Where are the pyramids of Giza?", "In Egypt."),
    ("Where do penguins live?", "Mostly in Antarctica."),
    ("What is the opposite of hot?", "Cold."),
    ("What is the opposite of big?", "Small."),
    ("What is the opposite of fast?", "Slow."),
    ("What is the opposite of light?", "Dark."),
    ("What is the opposite of happy?", "Sad."),
    ("What is the opposite of old?", "Young, or new."),
    ("What is the opposite of up?", "Down."),
    ("What day comes after Monday?", "Tuesday."),
    ("What day comes after Friday?", "Saturday."),
    ("What month comes after May?", "June."),
    ("What season comes after winter?", "Spring."),
    ("What is a baby dog called?", "A puppy."),
    ("What is a baby cat called?", "A kitten."),
    ("What is a baby cow called?", "A calf."),
    ("What is the plural of mouse?", "Mice."),
    ("What is the plural of child?", "Children."),
    ("What does CPU stand for?", "Central processing unit."),
    ("What does GPU stand for?", "Graphics processing unit."),
    ("What does HTTP stand for?", "Hypertext Transfer Protocol."),
    ("What does DNS stand for?", "Domain Name System."),
    ("What is the square root of 16?", "4."),
    ("What is the square root of 81?", "9."),
    ("What is the first prime number?", "2."),
    ("What is pi?", "About 3.14159, the ratio of a circle's circumference to its diameter."),
)
"""Common questions with one short answer each."""
