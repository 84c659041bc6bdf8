package db

import "path/filepath"

// networkDisks are the numbers by which Linux names filesystems that other machines serve
// (statfs(2)). SQLite's locks and its shared memory do not work there as SQLite needs them.
var networkDisks = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x65735546: "FUSE", // sshfs and s3fs; some local ones, too
	0x01021997: "9p",
	0x5346414f: "AFS",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x7461636f: "OCFS2",
	0x01161970: "GFS2",
	0x786f4256: "VirtualBox shared folder",
}

// NetworkDisk names the kind of network disk that a filesystem's number stands for, empty for a
// local one.
func NetworkDisk(number uint32) string { return networkDisks[number] }

// NetworkDisk names the kind of network disk that the database's file lies on. It is empty for
// a local disk, for PostgreSQL, and where the system does not say.
func (d *DB) NetworkDisk() string {
	if d.location.file == "" {
		return ""
	}
	number, err := filesystem(filepath.Dir(d.location.file))
	if err != nil {
		return ""
	}
	return NetworkDisk(number)
}
