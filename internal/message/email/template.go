package email

import (
	"encoding/json"
	"fmt"
)

// Template names the text that says c, for message.Outgoing.
func Template(c Content) string { return c.kind() }

// decodeContent decodes the content that was queued as JSON.
func decodeContent(template string, data []byte) (Content, error) {
	switch template {
	case SignInCode{}.kind():
		return decode[SignInCode](data)
	case PasswordKnown{}.kind():
		return decode[PasswordKnown](data)
	case NotMeAlert{}.kind():
		return decode[NotMeAlert](data)
	case NewBrowser{}.kind():
		return decode[NewBrowser](data)
	case RememberedReuse{}.kind():
		return decode[RememberedReuse](data)
	case Trial{}.kind():
		return decode[Trial](data)
	case ReceiverGone{}.kind():
		return decode[ReceiverGone](data)
	case Restored{}.kind():
		return decode[Restored](data)
	case PasswordLink{}.kind():
		return decode[PasswordLink](data)
	case AccountChanged{}.kind():
		return decode[AccountChanged](data)
	case SpendingCeiling{}.kind():
		return decode[SpendingCeiling](data)
	case TextsPaused{}.kind():
		return decode[TextsPaused](data)
	case MethodChanged{}.kind():
		return decode[MethodChanged](data)
	case AddressCode{}.kind():
		return decode[AddressCode](data)
	case ActivationCode{}.kind():
		return decode[ActivationCode](data)
	case Reminder{}.kind():
		return decode[Reminder](data)
	case AddressTaken{}.kind():
		return decode[AddressTaken](data)
	case AddressChanged{}.kind():
		return decode[AddressChanged](data)
	case AddressRestored{}.kind():
		return decode[AddressRestored](data)
	case AddressAlert{}.kind():
		return decode[AddressAlert](data)
	case PasskeyCopied{}.kind():
		return decode[PasskeyCopied](data)
	case Admission{}.kind():
		return decode[Admission](data)
	case ProtectionLowered{}.kind():
		return decode[ProtectionLowered](data)
	case CompanyState{}.kind():
		return decode[CompanyState](data)
	case MandateAnnounced{}.kind():
		return decode[MandateAnnounced](data)
	case RoleChanged{}.kind():
		return decode[RoleChanged](data)
	case CompanyAlert{}.kind():
		return decode[CompanyAlert](data)
	case ByHand{}.kind():
		return decode[ByHand](data)
	}
	return nil, fmt.Errorf("no mail is called %q", template)
}

func decode[C Content](data []byte) (Content, error) {
	var c C
	err := json.Unmarshal(data, &c)
	return c, err
}
