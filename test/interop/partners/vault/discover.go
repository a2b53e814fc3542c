// Package discover stands in for the one by which servers of a Raft cluster find each other in clouds.
package discover

import (
	"errors"
	"log"
)

type Config map[string]string

type Provider interface{}

type Discover struct{}

type Option func(*Discover) error

var Providers = map[string]Provider{}

var errNone = errors.New("this build finds no other servers")

func (Config) String() string { return "" }

func Parse(string) (Config, error) { return nil, errNone }

func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

func New(...Option) (*Discover, error) { return &Discover{}, nil }

func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errNone }
