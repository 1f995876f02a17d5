package definition

// File is one definition file. Its Name appears in complaints, and password files are found
// relative to its folder.
type File struct {
	Name string
	Text string
}
