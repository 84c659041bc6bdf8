package secret

import "testing"

func TestHeld_OpensItsOwnRowOnly(t *testing.T) {
	one, hash := NewToken()
	other, _ := NewToken()
	for name, c := range map[string]struct {
		held Held
		hash []byte
		want bool
	}{
		"the row's token": {Held{{Tenant: "k1", ID: "a", Token: one}}, hash, true},
		"among others": {Held{{Tenant: "k1", ID: "b", Token: other}, {Tenant: "k1", ID: "a", Token: one}},
			hash, true},
		"another token":            {Held{{Tenant: "k1", ID: "a", Token: other}}, hash, false},
		"another row":              {Held{{Tenant: "k1", ID: "b", Token: one}}, hash, false},
		"another company":          {Held{{Tenant: "k2", ID: "a", Token: one}}, hash, false},
		"nothing":                  {nil, hash, false},
		"nothing, of an old row":   {nil, []byte{}, false},
		"no token, of an old row":  {Held{{Tenant: "k1", ID: "a"}}, []byte{}, false},
		"nothing, of an empty one": {nil, nil, false},
	} {
		if got := c.held.Opens("k1", "a", c.hash); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
