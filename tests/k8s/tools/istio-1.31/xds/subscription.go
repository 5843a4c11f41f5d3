package main

import (
	"context"
	"fmt"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
)

// kind is one of the resource types of xDS.
type kind struct{ name, url string }

var (
	clusters   = kind{"clusters", "type.googleapis.com/envoy.config.cluster.v3.Cluster"}
	endpoints  = kind{"endpoints", "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"}
	listeners  = kind{"listeners", "type.googleapis.com/envoy.config.listener.v3.Listener"}
	routes     = kind{"routes", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"}
	extensions = kind{"extensions", "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"}
)

// subscription is one aggregated stream on which every kind of resource is asked for, as Envoy would ask.
type subscription struct {
	stream  discovery.AggregatedDiscoveryService_StreamAggregatedResourcesClient
	node    *core.Node
	names   map[kind][]string
	answers map[kind]*discovery.DiscoveryResponse
}

// subscribe asks for all that the node is to have, and waits until every question has its answer.
func subscribe(ctx context.Context, istiod string, node *core.Node) (map[kind]*discovery.DiscoveryResponse, error) {
	connection, err := grpc.NewClient(istiod,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.WaitForReady(true)))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(connection).StreamAggregatedResources(ctx)
	if err != nil {
		return nil, err
	}
	s := &subscription{stream, node, map[kind][]string{}, map[kind]*discovery.DiscoveryResponse{}}
	for _, wildcard := range []kind{clusters, listeners} {
		if err := s.ask(wildcard, nil); err != nil {
			return nil, err
		}
	}
	for len(s.answers) < len(byURL) {
		if err := s.next(); err != nil {
			return nil, fmt.Errorf("%w; answered so far: %d of %d kinds", err, len(s.answers), len(byURL))
		}
	}
	return s.answers, nil
}

var byURL = map[string]kind{
	clusters.url: clusters, endpoints.url: endpoints, listeners.url: listeners, routes.url: routes, extensions.url: extensions,
}

func (s *subscription) ask(kind kind, names []string) error {
	s.names[kind] = names
	return s.stream.Send(&discovery.DiscoveryRequest{Node: s.node, TypeUrl: kind.url, ResourceNames: names})
}

// askByName asks for resources that another answer named; of nothing named there is nothing to wait for.
func (s *subscription) askByName(kind kind, names []string) error {
	if len(names) == 0 {
		s.answers[kind] = &discovery.DiscoveryResponse{TypeUrl: kind.url, VersionInfo: "none"}
		return nil
	}
	return s.ask(kind, names)
}

func (s *subscription) next() error {
	answer, err := s.stream.Recv()
	if err != nil {
		return err
	}
	kind, known := byURL[answer.GetTypeUrl()]
	if !known {
		return fmt.Errorf("istiod answered with %s, which nobody asked for", answer.GetTypeUrl())
	}
	s.answers[kind] = answer
	if err := s.acknowledge(kind, answer); err != nil {
		return err
	}
	return s.follow(kind, answer.GetResources())
}

func (s *subscription) acknowledge(kind kind, answer *discovery.DiscoveryResponse) error {
	return s.stream.Send(&discovery.DiscoveryRequest{
		Node: s.node, TypeUrl: kind.url, ResourceNames: s.names[kind],
		VersionInfo: answer.GetVersionInfo(), ResponseNonce: answer.GetNonce(),
	})
}

func (s *subscription) follow(kind kind, resources []*anypb.Any) error {
	switch kind {
	case clusters:
		names, err := namesOfEndpoints(resources)
		if err != nil {
			return err
		}
		return s.askByName(endpoints, names)
	case listeners:
		named, err := namedByListeners(resources)
		if err != nil {
			return err
		}
		if err := s.askByName(routes, named.routes); err != nil {
			return err
		}
		return s.askByName(extensions, named.extensions)
	}
	return nil
}

func namesOfEndpoints(resources []*anypb.Any) ([]string, error) {
	var names []string
	for _, resource := range resources {
		one := &cluster.Cluster{}
		if err := resource.UnmarshalTo(one); err != nil {
			return nil, err
		}
		if one.GetType() != cluster.Cluster_EDS {
			continue
		}
		name := one.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = one.GetName()
		}
		names = append(names, name)
	}
	return names, nil
}

type named struct{ routes, extensions []string }

func namedByListeners(resources []*anypb.Any) (*named, error) {
	found := &named{}
	for _, resource := range resources {
		one := &listener.Listener{}
		if err := resource.UnmarshalTo(one); err != nil {
			return nil, err
		}
		chains := one.GetFilterChains()
		if one.GetDefaultFilterChain() != nil {
			chains = append(chains, one.GetDefaultFilterChain())
		}
		for _, chain := range chains {
			for _, filter := range chain.GetFilters() {
				if err := found.inNetworkFilter(filter); err != nil {
					return nil, err
				}
			}
		}
	}
	return &named{unique(found.routes), unique(found.extensions)}, nil
}

func (n *named) inNetworkFilter(filter *listener.Filter) error {
	if filter.GetConfigDiscovery() != nil {
		n.extensions = append(n.extensions, filter.GetName())
	}
	manager := &hcm.HttpConnectionManager{}
	if !filter.GetTypedConfig().MessageIs(manager) {
		return nil
	}
	if err := filter.GetTypedConfig().UnmarshalTo(manager); err != nil {
		return err
	}
	if name := manager.GetRds().GetRouteConfigName(); name != "" {
		n.routes = append(n.routes, name)
	}
	for _, httpFilter := range manager.GetHttpFilters() {
		if httpFilter.GetConfigDiscovery() != nil {
			n.extensions = append(n.extensions, httpFilter.GetName())
		}
	}
	return nil
}

func unique(names []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}
