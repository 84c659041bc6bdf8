package db

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNetworkDisksHaveTheirNumbers(t *testing.T) {
	for number, want := range map[uint32]string{
		0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x65735546: "FUSE", 0x01021997: "9p",
		0xef53: "", 0x58465342: "", 0x9123683e: "", 0x01021994: "", 0x794c7630: "", // ext4, XFS, Btrfs, tmpfs, overlay
	} {
		if got := NetworkDisk(number); got != want {
			t.Errorf("%#x: %q, want %q", number, got, want)
		}
	}
}

// A folder of the kernel's own has the number that statfs(2) says.
func TestTheNumberIsTheFoldersOwn(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Fatal("no /proc here: this test wants Linux")
	}
	const proc = 0x9fa0
	if number, err := filesystem("/proc"); err != nil || number != proc {
		t.Errorf("%#x %v", number, err)
	}
	d := &DB{location: location{file: filepath.Join("/proc", "x.db")}}
	networkDisks[proc] = "a disk of the test"
	defer delete(networkDisks, proc)
	if got := d.NetworkDisk(); got != "a disk of the test" {
		t.Errorf("%q", got)
	}
	if got := (&DB{}).NetworkDisk(); got != "" {
		t.Errorf("PostgreSQL: %q", got)
	}
}
