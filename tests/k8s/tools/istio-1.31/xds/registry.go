package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pushed is what the first line on stdout says, as JSON.
type pushed struct {
	Address string `json:"address"`
	Image   string `json:"image"`
	SHA256  string `json:"sha256"`
}

// serveRegistry serves one image from memory until it is killed.
func serveRegistry(arguments []string) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address to listen on")
	image := flags.String("image", "ledgerline-filter:0.1.0", "name and tag of the image")
	folder := flags.String("layout", "", "an OCI image layout that has one image")
	if err := flags.Parse(arguments); err != nil {
		return err
	}

	packed, err := onlyImage(*folder)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() {
		served <- http.Serve(socket, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	}()
	if err := push(packed, socket.Addr().String(), *image); err != nil {
		return err
	}
	return <-served
}

// onlyImage is the image of an OCI layout that holds one.
func onlyImage(folder string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, errors.New(folder + " does not hold exactly one image")
	}
	return index.Image(manifest.Manifests[0].Digest)
}

func push(image v1.Image, address, as string) error {
	reference, err := name.ParseReference(address+"/"+as, name.Insecure)
	if err != nil {
		return err
	}
	if err := remote.Write(reference, image); err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(pushed{address, reference.String(), digest.Hex})
}
