module wit_component

go 1.27.1

require go.bytecodealliance.org/pkg v0.4.0

// The crate wit-bindgen-go has this module, in the version that its bindings import.
replace go.bytecodealliance.org/pkg => ./go-pkg
