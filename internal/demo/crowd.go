package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"countersign/internal/user"
)

// colleague is someone of a large company. No one can sign in as them: their password is not known.
type colleague struct {
	Name, Email string
	Role        user.Role
	Joined      time.Time
	App         time.Time // when they set up an authenticator app; zero: not yet
	Label       string    // of the app
	Invited     bool      // they have not chosen a password yet
	Left        time.Time // when their account was disabled; zero: it is open
	Shared      sharedBy  // what speaks for several people using the account
	Office      office
	Home        device // where they work when they are not on office
	Work        device

	id, mailbox, app string // of the rows that were made
}

// sharedBy is how an account looks that several people use.
type sharedBy int

const (
	oneUser sharedBy = iota
	manyBrowsers
	twoClocks
)

// device is where a sign-in comes from.
type device struct{ IP, Place, Browser string }

// office is an office of the company.
type office struct {
	IP, Place string
	Begins    time.Duration // of its day, UTC
}

// offices have addresses that are kept for documentation.
var offices = []office{
	{"192.0.2.10", "Lisbon, Portugal", 8 * time.Hour},
	{"192.0.2.10", "Lisbon, Portugal", 15 * time.Hour},
	{"198.51.100.20", "Dublin, Ireland", 9 * time.Hour},
	{"203.0.113.30", "Manila, Philippines", 22 * time.Hour},
}

var (
	browsers = []string{"Chrome, Windows", "Edge, Windows", "Firefox, Windows", "Chrome, macOS", "Firefox, Linux"}
	atHome   = []string{"Chrome, Windows", "Safari, macOS", "Firefox, Linux", "Chrome, Android", "Safari, iOS"}
	labels   = []string{"Browser extension", "Browser extension", "Desktop app", "Work phone", "Phone"}
)

var givenNames = strings.Fields(`Aaliyah Abena Adaeze Aidan Alejandra Alessio Amir Ana Anouk Arjun Aroha Ayşe Beatriz
	Bram Camille Catarina Chidi Chloé Ciarán Dalisay Daniel Diego Dina Duarte Eilidh Emeka Esra Eszter Fatima Felix
	Fiona Gabriela Goran Grace Hassan Helena Hiro Imani Inês Isla Jakub Jasmine João Jomar Kamala Kwame Lars Leila
	Liwayway Lorcan Luísa Lwazi Maeve Magdalena Malik Marisol Mateus Mei Milan Miriam Nadine Niamh Noah Oisín Olga
	Omar Paolo Priscila Rafael Rania Renato Rhys Rosario Ruth Saoirse Selin Sinéad Sofia Soledad Tala Teodor Thandiwe
	Tiago Uma Vera Viktor Wanjiru Xavier Yara Yusuf Zainab Zoë`)

var familyNames = strings.Fields(`Abad Adeyemi Almeida Aquino Bautista Bello Byrne Cabral Castillo Chukwu Costa Cruz
	Dalgaard Dlamini Doyle Eze Farrell Fernandes Ferreira Flores Gallagher Garcia Gomes Grech Gupta Haddad Horvat Ivanov
	Jimenez Kariuki Kaya Kelleher Khan Kim Kowalczyk Leal Lindholm Lopes Magsaysay Manalo Martins Matos Mendoza Moreira
	Murphy Navarro Nguyen Nowak Nwosu O'Brien Okeke Oliveira Ortiz Osei Pereira Petrovic Pinto Quinn Ramos Reyes Ribeiro
	Rossi Ryan Salazar Santos Sharma Silva Singh Tavares Torres Valente Varga Villanueva Walsh Weiss Yildiz Zammit`)

// plain spells names as addresses do.
var plain = strings.NewReplacer("ş", "s", "é", "e", "á", "a", "ê", "e", "í", "i", "ã", "a", "ë", "e", "'", "")

// crowdOf makes up n people of a company, the same ones each time. They join in the first fortnight after began, and
// most of them set up an app before now.
func crowdOf(domain string, n int, began, now time.Time) []colleague {
	r := rand.New(rand.NewPCG(2023, 905))
	taken := map[string]bool{}
	out := make([]colleague, 0, n)
	for len(out) < n {
		given, family := givenNames[r.IntN(len(givenNames))], familyNames[r.IntN(len(familyNames))]
		c := colleague{
			Name:   given + " " + family,
			Email:  strings.ToLower(plain.Replace(given+"."+family)) + "@" + domain,
			Role:   user.Agent,
			Joined: began.Add(time.Duration(r.IntN(14*24*60)) * time.Minute),
			Office: offices[r.IntN(len(offices))],
		}
		if taken[c.Email] {
			continue
		}
		taken[c.Email] = true
		c.Work = device{c.Office.IP, c.Office.Place, browsers[r.IntN(len(browsers))]}
		c.Home = device{homeAddress(c.Office, len(out)), c.Office.Place, atHome[r.IntN(len(atHome))]}
		c.chooseApp(r, began, now)
		out = append(out, c)
	}
	cast(out, now)
	return out
}

// homeAddress is an address in the city of an office.
func homeAddress(s office, n int) string {
	return fmt.Sprintf("%s.%d", s.IP[:strings.LastIndexByte(s.IP, '.')], 40+n%200)
}

// chooseApp says when someone set up an app: few did at once, most after reminders, some have not.
func (c *colleague) chooseApp(r *rand.Rand, began, now time.Time) {
	days := now.Sub(began).Hours() / 24
	at := days * (0.05 + 1.15*(r.Float64()+r.Float64()+r.Float64())/3)
	c.Label = labels[r.IntN(len(labels))]
	chosen := c.Joined.Add(time.Duration(at * float64(day)))
	if chosen.Before(now.Add(-2*day)) && r.IntN(8) > 0 {
		c.App = workTime(chosen, c.Office)
	}
}

// workTime moves an instant into the working day of an office.
func workTime(at time.Time, s office) time.Time {
	for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.Add(-day)
	}
	return at.UTC().Truncate(day).Add(s.Begins + time.Duration(at.Minute()*5+at.Second())*time.Minute)
}

// cast gives some people a part.
func cast(all []colleague, now time.Time) {
	for i := range all {
		c := &all[i]
		switch {
		case i < 2:
			c.Role = user.Admin
		case i < 11:
			c.Role = user.Supervisor
		case i%61 == 17:
			c.Invited, c.App = true, time.Time{}
			c.Joined = now.Add(-time.Duration(i%9+1) * day)
		case i%53 == 20:
			c.Left = workTime(now.Add(-time.Duration(i%30+3)*day), c.Office)
		}
	}
	desk := &all[40] // people share it: it is a role, not a person
	desk.Name, desk.Email, desk.Shared, desk.App = "Reception Lisbon", "reception"+all[0].domain(), manyBrowsers,
		time.Time{}
	desk.Office = offices[0]
	desk.Work = device{desk.Office.IP, desk.Office.Place, browsers[0]}
	turns := &all[41]
	turns.Shared, turns.App = twoClocks, workTime(now.Add(-60*day), turns.Office)
	all[42].Email = strings.Replace(all[43].Email, "@", "+rota@", 1) // two people, one mailbox
}

func (c colleague) domain() string { return c.Email[strings.IndexByte(c.Email, '@'):] }

// activated reports whether someone had set up an app on a day, of those who had an account.
func (c colleague) activated(on time.Time) bool { return !c.App.IsZero() && c.App.Before(on) }

func (c colleague) present(on time.Time) bool {
	return c.Joined.Before(on) && (c.Left.IsZero() || c.Left.After(on))
}
