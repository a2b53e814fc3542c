// Package k8s stands in for the provider of the package discover.
package k8s

type Provider struct{}
