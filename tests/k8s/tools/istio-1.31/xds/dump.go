package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"

	// The types that istiod's answers hold must be known, or they cannot be written as JSON.
	_ "istio.io/api/envoy/config/filter/http/alpn/v2alpha1"
	_ "istio.io/api/envoy/extensions/stats"
	_ "istio.io/istio/pkg/config/xds"
	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/wasm"
)

// dump writes the answers of one kind each into a file of the folder: clusters.json, endpoints.json, listeners.json,
// routes.json, extensions.json; each is a DiscoveryResponse as Envoy reads it from a path_config_source.
func dump(arguments []string) error {
	flags := flag.NewFlagSet("dump", flag.ContinueOnError)
	istiod := flags.String("istiod", "127.0.0.1:15010", "address of istiod's plaintext xDS port")
	nodeFile := flags.String("node", "", "file with the proxy's node: JSON of envoy.config.core.v3.Node")
	folder := flags.String("folder", "", "where the answers and, in modules/, the Wasm modules go")
	insecure := flags.String("insecure-registry", "", "host:port of a registry without TLS")
	patience := flags.Duration("patience", 30*time.Second, "how long istiod has for all its answers")
	if err := flags.Parse(arguments); err != nil {
		return err
	}

	node, err := readNode(*nodeFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *patience)
	defer cancel()
	answers, err := subscribe(ctx, *istiod, node)
	if err != nil {
		return err
	}
	if err := fetchModules(answers[extensions], filepath.Join(*folder, "modules"), *insecure); err != nil {
		return err
	}
	return write(answers, *folder)
}

func readNode(file string) (*core.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	node := &core.Node{}
	if err := protojson.Unmarshal(text, node); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return node, nil
}

// fetchModules does what Istio's agent does with each answer before Envoy sees it: a module is fetched, its digest is
// compared, and a local file takes the place of its address; what cannot be had is replaced by a filter that refuses
// every call.
func fetchModules(answer *discovery.DiscoveryResponse, folder, insecure string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	options := wasm.Options{InsecureRegistries: sets.New(insecure)}
	cache := wasm.NewLocalFileCache(folder, options)
	defer cache.Cleanup()
	return wasm.MaybeConvertWasmExtensionConfig(answer.GetResources(), cache)
}

func write(answers map[kind]*discovery.DiscoveryResponse, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	marshal := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}
	for kind, answer := range answers {
		text, err := marshal.Marshal(answer)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, kind.name+".json"), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
