// Command xds is what stands beside Envoy in a pod of the mesh, for tests that have no pod: it asks an istiod for the
// configuration of one proxy, lets Istio's own agent code fetch the Wasm modules that it names, and writes all of it into
// a folder, in files that Envoy can subscribe to. It is also the registry from which such a module can be fetched.
//
//	xds dump --istiod 127.0.0.1:15010 --node node.json --folder out
//	xds registry --image ledgerline-filter:0.1.0 --layout target/images/ledgerline-filter
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 {
		switch arguments[0] {
		case "dump":
			return dump(arguments[1:])
		case "registry":
			return serveRegistry(arguments[1:])
		}
	}
	return fmt.Errorf("usage: xds dump|registry [options]; `xds dump --help` lists them")
}
