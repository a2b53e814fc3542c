// Command interop-vault is Vault's own server core and HTTP interface, unsealed and in memory, with the KV store and the
// jwt auth method: what `vault server -dev` is, without the clients of clouds that the whole program brings along.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	jwt "github.com/hashicorp/vault-plugin-auth-jwt"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// plugins are the two that are built in.
type plugins struct{}

var factories = map[consts.PluginType]map[string]logical.Factory{
	consts.PluginTypeSecrets:    {"kv": kv.Factory},
	consts.PluginTypeCredential: {"jwt": jwt.Factory},
}

func (plugins) Contains(name string, of consts.PluginType) bool {
	_, ok := factories[of][name]
	return ok
}

func (plugins) Get(name string, of consts.PluginType) (func() (interface{}, error), bool) {
	factory, ok := factories[of][name]
	return func() (interface{}, error) { return factory, nil }, ok
}

func (plugins) Keys(of consts.PluginType) []string {
	names := []string{}
	for name := range factories[of] {
		names = append(names, name)
	}
	return names
}

func (p plugins) DeprecationStatus(name string, of consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, p.Contains(name, of)
}

func (plugins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func unsealed() (*vault.Core, string, error) {
	logger := hclog.New(&hclog.LoggerOptions{Output: os.Stderr})
	memory, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, "", err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           memory,
		Logger:             logger,
		DisableMlock:       true,
		LogicalBackends:    factories[consts.PluginTypeSecrets],
		CredentialBackends: factories[consts.PluginTypeCredential],
		BuiltinRegistry:    plugins{},
	})
	if err != nil {
		return nil, "", err
	}
	result, err := core.Initialize(context.Background(), &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return nil, "", err
	}
	_, err = core.Unseal(result.SecretShares[0])
	return core, result.RootToken, err
}

// Its words are the address to listen at and the file that gets the root token.
func serve(address, tokenFile string) error {
	core, token, err := unsealed()
	if err != nil {
		return err
	}
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	return http.Serve(listener, handler)
}

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
