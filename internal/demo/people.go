package demo

import (
	"time"

	"countersign/internal/tenant"
	"countersign/internal/user"
)

const vendorName = "Harbor"

// Ids of the apps.
const (
	dashboardID = "dashboard"
	phoneID     = "phone-app"
)

// person is someone to sign in as. The passwords are public: they open nothing but data
// that was made up.
type person struct {
	Name, Email, Password, Language string
	Role                            user.Role
	gear
}

// gear is what someone has set up before the demo begins.
type gear struct {
	Number string   // of their telephone, in E.164; numbers that are kept for films
	Apps   []string // names of authenticator apps; all of them are on the demo's telephone
	Codes  bool     // backup codes, on paper beside it
}

// sampleCompany is one way to run a second step.
type sampleCompany struct {
	ID, Name string
	Decider  string // who decides, in a few words
	Story    string
	Rules    rules
	People   []person
	Tries    []try

	Crowd int           // how many more people there are, whom no one can sign in as
	Age   time.Duration // for how long the company has been there; 0: it begins with the demo
}

// rules are what vendor and company have decided before the demo begins.
type rules struct {
	Mandate string // of mandateOptions
	On      bool   // the company's own switch
	Choice  tenant.Choice
	Methods tenant.Methods // empty: all
	SetUpIn time.Duration  // how long people are only reminded; 0: set-up comes first
}

var operator = person{
	Name:     "Nora Quist",
	Email:    "nora@harbor.example",
	Password: "pewter-canal-anthem-38",
	Language: "en",
	Role:     user.Operator,
}

// mandatedSince is when the vendor of the first company began to require a second step.
var mandatedSince = time.Date(2023, 9, 5, 0, 0, 0, 0, time.UTC)

// What companies may allow.
const (
	textsAndApps = "passkey totp sms backup"
	appsAndKeys  = "passkey totp backup"
	mailOnly     = "email"
)

var companies = []sampleCompany{brightwater, fennel, larkspur, alder, northgate}

var brightwater = sampleCompany{
	ID:      "brightwater",
	Name:    "Brightwater Travel",
	Decider: "the vendor decided",
	Story:   "Harbor requires a second step of everyone here: a code or a link by email, or something stronger that people set up themselves. No one in the company can switch it off.",
	Rules:   rules{Mandate: mandatory},
	People: []person{
		{"Maya Okafor", "maya@brightwater.example", "quiet-maple-lantern-42", "en", user.Owner, gear{}},
		{"Tomás Rivera", "tomas@brightwater.example", "copper-tide-walnut-17", "es", user.Admin, gear{}},
		{"Ines Holm", "ines@brightwater.example", "velvet-anchor-piano-63", "en", user.Agent, gear{}},
		{"Jonas Weber", "jonas@brightwater.example", "amber-ferry-thimble-29", "en", user.Agent, gear{}},
	},
	Tries: []try{
		{"Open the dashboard and sign in as Maya. The code is in the inbox.",
			"A right password alone opens nothing. The page says what was sent where, and what became of the mail."},
		{"Type five wrong codes.",
			"The fifth one kills the code, and Maya gets an email: someone may know her password. A new code can be asked for; the tries of the account stay spent."},
		{"Ask for a new code three times, half a minute apart. Then type the code of an older mail.",
			"“That was an older code.” A fourth one is not sent: anyone who needs it begins again from the password."},
		{"Press the link in the mail in the browser in which you began. Then try it from a private window.",
			"Here it asks once and signs in. There it only shows the code, to be typed where you began."},
		{"Press “this wasn't me” in a mail.",
			"The sign-in ends, the password counts as known to someone else, and the owner and admins get a mail. The next sign-in asks for a new password."},
		{"In My profile as Maya, choose “Manage your company”, and open “Security”.",
			"The switch is on and locked, and the page says who requires it, and since when. Not even the owner can switch it off here."},
		{"Tick “on this browser, ask only for my password”. Sign out, and sign in again.",
			"No code for up to thirty days. The dashboard says so: it is told “password only”, not more."},
		{"In My profile, add a passkey. Sign out, and press “Sign in with a passkey”.",
			"This computer, a phone or a key asks for your finger or PIN, and neither a password nor a code is needed. You get backup codes with it, or at that sign-in. It is the only method here that a copied page gets nothing from."},
	},
}

var fennel = sampleCompany{
	ID:      "fennel",
	Name:    "Fennel Street Clinic",
	Decider: "the company decided",
	Story:   "Harbor leaves it open, and the owner, Priya, switched on email sign-in confirmation for everyone.",
	Rules:   rules{Mandate: leftOpen, On: true, Methods: mailOnly},
	People: []person{
		{"Priya Raman", "priya@fennel.example", "cobalt-orchard-violin-85", "en", user.Owner, gear{}},
		{"Leo Marchetti", "leo@fennel.example", "marble-pigeon-saddle-31", "en", user.Admin, gear{}},
		{"Aiko Tanaka", "aiko@fennel.example", "crimson-kettle-glacier-74", "en", user.Agent, gear{}},
		{"Sam Doyle", "sam@fennel.example", "hazel-compass-ribbon-56", "en", user.Agent, gear{}},
	},
	Tries: []try{
		{"Open My profile as Priya, choose “Manage your company”, open “Security”, and disable two-factor authentication. Then enable it again.",
			"Disabling asks for the clinic's name. Enabling takes four steps: a code to Priya's mailbox, choices, a summary of what happens to whom, one confirmation."},
		{"Under “Users”, add a person, and accept the invitation from the inbox. Try the same as Sam.",
			"Only the new person chooses and knows the password. Agents have no pages for administrators."},
		{"Sign in to the phone app first, as Priya. Then open the dashboard in the same browser.",
			"The phone app is exempt and asks for the password only. The dashboard asks for the code, and not for the password again."},
		{"Set the mail server to “greylisting” or “refusing” in the inbox. Sign in.",
			"The code page says that the mail is delayed, or that it came back."},
		{"Under “Change the rules”, move the clinic's switch to off and let Harbor require it in three days. Read why, then sign in as Leo.",
			"Nothing is asked yet, and Leo is told from when it will be. The words beside each person are those of “countersign policy explain”."},
		{"Leave it to the company again, with the clinic's switch off, and sign in to the dashboard. Then switch it on and reload the dashboard.",
			"The page that was open a moment ago asks for a code."},
	},
}

var larkspur = sampleCompany{
	ID:      "larkspur",
	Name:    "Larkspur Hosting",
	Decider: "each person decides",
	Story:   "Harbor and the company recommend a second step and force no one. Anyone who wants one switches it on in My profile: text messages, an authenticator app, a passkey.",
	Rules: rules{
		Mandate: leftOpen,
		On:      true,
		Choice:  tenant.Optional,
		Methods: textsAndApps,
	},
	People: []person{
		{"Ravi Anand", "ravi@larkspur.example", "saffron-bridge-walrus-47", "en", user.Owner,
			gear{Number: "+491713920042", Codes: true}},
		{"Elena Duarte", "elena@larkspur.example", "granite-melody-lemon-92", "es", user.Admin,
			gear{Apps: []string{"Work phone", "Desktop"}}},
		{"Tom Becker", "tom@larkspur.example", "tundra-biscuit-harp-68", "en", user.Agent, gear{}},
	},
	Tries: []try{
		{"Sign in as Tom: a password is enough. Then open My profile and add text messages: after a code by email, choose a country and give a number.",
			"Any mobile number of Britain, Germany, Spain or the United States will do, such as +49 171 3920055: no text leaves this machine. With that the second step is on. Backup codes follow, and if Tom leaves before them, his next sign-in begins there: one lost phone must not lock anyone out."},
		{"As Ravi, choose “Manage your company” in My profile, and open “Users” and then “Security”.",
			"Those who chose a second step are shown as activated, and Tom is not asked. Ravi can require it of everyone, or only when a sign-in is unusual."},
		{"Try to add +44 900 123 4567, a number of another country than the one chosen, such as +33 6 12 34 56 78, or “hello”.",
			"Each is refused with what is wrong, before anything is sent or paid for."},
		{"Sign in as Ravi, with the mobile on “no signal”.",
			"The code page says that the text could not be delivered; “Didn’t get the text message?” leads to what else there is."},
		{"Sign in as Elena, with the code of either of her apps on the mobile. Then look at what was recorded.",
			"Each app has a secret and a name of its own, and the record says which one it was. The same code is not taken twice."},
	},
}

var alder = sampleCompany{
	ID:      "alder",
	Name:    "Alder & Finch Accountants",
	Decider: "each person, with an app",
	Story:   "An authenticator app or a passkey, and backup codes on paper; no text messages. Two-factor belongs to each person, not to the company.",
	Rules: rules{
		Mandate: leftOpen,
		On:      true,
		Choice:  tenant.Optional,
		Methods: appsAndKeys,
	},
	People: []person{
		{"Greta Lindqvist", "greta@alder.example", "juniper-teapot-comet-53", "en", user.Owner,
			gear{Apps: []string{"Phone"}, Codes: true}},
		{"Hugo Marsh", "hugo@alder.example", "cinder-rowboat-violet-26", "en", user.Agent, gear{}},
	},
	Tries: []try{
		{"Sign in as Hugo, open My profile, and add an authenticator app: with your own telephone's camera, or press “Type the key instead” and paste the key into the mobile.",
			"The first right code completes it. Then come ten backup codes, shown once: copy, download or print them, and type one to show that you have them."},
		{"Sign in as Greta and press “Can't use your device?”. Her printed codes lie beside the mobile.",
			"One code lets her in and is used up, and the page says how many are left. Her app goes on working."},
		{"As Greta, choose “Manage your company” in My profile, then “Security” and “Readiness report”.",
			"It says what to mend before a second step is required of everyone: the firm has a single owner, and she has a single method."},
		{"As Greta, try to remove the app. Then add a second one, and remove the first.",
			"The last method cannot go while a second step is on. With two of them one can: the page says what else ends, and a mail tells her, with a way to say “this wasn't me”. Anyone who has not proved anything for five minutes is asked first."},
	},
}

var northgate = sampleCompany{
	ID:      "northgate",
	Name:    "Northgate Support",
	Decider: "on by default, with 240 people and twelve weeks of history",
	Story:   "A contact centre whose agents leave their phones at the door: an app on the computer or a browser extension gives the codes. It has been on for twelve weeks, and the company may switch it off. Anyone who has nothing yet is reminded for three days; then set-up comes first. Besides the three below, 240 people work here. They are made up, and so is what they did.",
	Rules:   rules{Mandate: byDefault, Methods: appsAndKeys, SetUpIn: 3 * day},
	Crowd:   240,
	Age:     12 * 7 * day,
	People: []person{
		{"Carla Mendes", "carla@northgate.example", "meadow-cobra-lamp-39", "en", user.Owner,
			gear{Apps: []string{"Browser extension"}, Codes: true}},
		{"Dev Patel", "dev@northgate.example", "ribbon-falcon-oat-71", "en", user.Supervisor, gear{}},
		{"Wen Li", "wen@northgate.example", "pebble-sonata-fig-84", "en", user.Agent, gear{}},
	},
	Tries: []try{
		{"Open My profile as Carla with the code of her app on the mobile, and choose “Manage your company”.",
			"“Users” lists everyone with their 2FA status. Filter by “Pending”, choose some of them, and remind them; the mails arrive in the inbox."},
		{"As Carla, open “Activity”, and search for the address 203.0.113.201.",
			"Nine nights ago someone tried passwords on two dozen accounts, and one was right. The code kept them out, and in the morning its owner reported it."},
		{"As Carla, open “Account sharing”, and the “Readiness report” under “Security”.",
			"Two accounts look as if several people used them, and the pages say why. The report names shared mailboxes and people who were never invited, with one click to help each."},
		{"As Carla, open “Security”, and disable two-factor authentication.",
			"Harbor set it on by default, so the company may switch it off, after its name is typed."},
		{"Sign in to the vendor desk as Nora, open this company, and then its adoption.",
			"The chart shows how the share of people with a method grew in twelve weeks, day by day."},
		{"Sign in as Wen.",
			"A code by email is enough for now. A notice that cannot be put away counts the days, and leads to set-up."},
		{"Under “Change the rules”, require set-up first, and sign in as Dev.",
			"After the password and a code to his mailbox, set-up comes before anything else: a password alone never sets up a second step."},
		{"As Wen, begin the set-up of an app, close the page or go elsewhere, and come back to its address.",
			"It waits for a quarter of an hour where it was left, with the same key. Choosing the method again begins anew."},
	},
}
