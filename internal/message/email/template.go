package email

import (
	"encoding/json"
	"fmt"
)

// Template names the text that says c, for message.Outgoing.
func Template(c Content) string { return c.kind() }

// decoders are all contents, by the name under which they wait to be sent.
var decoders = map[string]func([]byte) (Content, error){
	SignInCode{}.kind():        decode[SignInCode],
	PasswordKnown{}.kind():     decode[PasswordKnown],
	NotMeAlert{}.kind():        decode[NotMeAlert],
	NewBrowser{}.kind():        decode[NewBrowser],
	RememberedReuse{}.kind():   decode[RememberedReuse],
	Trial{}.kind():             decode[Trial],
	ReceiverGone{}.kind():      decode[ReceiverGone],
	Restored{}.kind():          decode[Restored],
	PasswordLink{}.kind():      decode[PasswordLink],
	AccountChanged{}.kind():    decode[AccountChanged],
	SpendingCeiling{}.kind():   decode[SpendingCeiling],
	TextsPaused{}.kind():       decode[TextsPaused],
	MethodChanged{}.kind():     decode[MethodChanged],
	AddressCode{}.kind():       decode[AddressCode],
	ActivationCode{}.kind():    decode[ActivationCode],
	Reminder{}.kind():          decode[Reminder],
	AddressTaken{}.kind():      decode[AddressTaken],
	AddressChanged{}.kind():    decode[AddressChanged],
	AddressRestored{}.kind():   decode[AddressRestored],
	AddressAlert{}.kind():      decode[AddressAlert],
	PasskeyCopied{}.kind():     decode[PasskeyCopied],
	Admission{}.kind():         decode[Admission],
	ProtectionLowered{}.kind(): decode[ProtectionLowered],
	CompanyState{}.kind():      decode[CompanyState],
	MandateAnnounced{}.kind():  decode[MandateAnnounced],
	RoleChanged{}.kind():       decode[RoleChanged],
	CompanyAlert{}.kind():      decode[CompanyAlert],
	StepsStopped{}.kind():      decode[StepsStopped],
	ByHand{}.kind():            decode[ByHand],
}

// decodeContent decodes the content that was queued as JSON.
func decodeContent(template string, data []byte) (Content, error) {
	decode, known := decoders[template]
	if !known {
		return nil, fmt.Errorf("no mail is called %q", template)
	}
	return decode(data)
}

func decode[C Content](data []byte) (Content, error) {
	var c C
	err := json.Unmarshal(data, &c)
	return c, err
}
