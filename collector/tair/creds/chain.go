package creds

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"
)

// noneInChain begins the error of a chain without credentials. It is the library's text, see classOfText.
const noneInChain = "unable to get credentials from any of the providers in the chain: "

// chain is the default chain of the library, without two of its parts: a CLI profile that runs a process, whose output the
// library can print, and the library's own provider for a credentials URI, see uriProvider.
type chain struct {
	links []providers.CredentialsProvider
	used  providers.CredentialsProvider // has worked; nil: none yet
}

func newChain() *chain {
	c := &chain{}
	add := func(p providers.CredentialsProvider, err error) {
		if err == nil {
			c.links = append(c.links, p)
		}
	}
	env, err := providers.NewEnvironmentVariableCredentialsProviderBuilder().Build()
	add(env, err)
	oidc, err := providers.NewOIDCCredentialsProviderBuilder().Build()
	add(oidc, err)
	cli, err := providers.NewCLIProfileCredentialsProviderBuilder().Build()
	add(cliProfile{cli}, err)
	profile, err := providers.NewProfileCredentialsProviderBuilder().Build()
	add(profile, err)
	node, err := providers.NewECSRAMRoleCredentialsProviderBuilder().Build()
	add(node, err)
	if uri := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_URI"); uri != "" {
		add(&uriProvider{url: uri}, nil)
	}
	return c
}

// GetProviderName implements providers.CredentialsProvider.
func (c *chain) GetProviderName() string { return "default" }

// GetCredentials implements providers.CredentialsProvider. It stays with the first link that has credentials. A link that
// is refused ends the chain: the next one would be another identity than the one that the user has set up.
func (c *chain) GetCredentials() (*providers.Credentials, error) {
	links := c.links
	if c.used != nil {
		links = []providers.CredentialsProvider{c.used}
	}
	var failures []string
	for _, link := range links {
		got, err := link.GetCredentials()
		var refused *Error
		switch {
		case err == nil:
			c.used = link
			named := *got
			named.ProviderName = c.GetProviderName() + "/" + cmp.Or(got.ProviderName, link.GetProviderName())
			return &named, nil
		case c.used != nil, errors.As(err, &refused) && refused.Class == ClassDisabled:
			return nil, err
		}
		failures = append(failures, err.Error())
	}
	return nil, errors.New(noneInChain + strings.Join(failures, ", "))
}

// cliProfile is the library's provider for a profile of the CLI, unless the profile runs a process.
type cliProfile struct{ providers.CredentialsProvider }

// GetCredentials implements providers.CredentialsProvider.
func (p cliProfile) GetCredentials() (*providers.Credentials, error) {
	home, _ := os.UserHomeDir()
	path := cmp.Or(os.Getenv("ALIBABA_CLOUD_CONFIG_FILE"), filepath.Join(home, ".aliyun", "config.json"))
	if runsProcess(path, os.Getenv("ALIBABA_CLOUD_PROFILE")) {
		return nil, &Error{Class: ClassDisabled}
	}
	return p.CredentialsProvider.GetCredentials()
}

// runsProcess reports whether a profile in a file of the CLI, or one that it takes its credentials from, runs a process.
func runsProcess(path, name string) bool {
	text, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		return false // as the library finds out
	}
	var file struct {
		Current  string
		Profiles []struct {
			Name, Mode string
			Source     string `json:"source_profile"`
		}
	}
	if json.Unmarshal(text, &file) != nil {
		return false
	}
	name = cmp.Or(name, file.Current)
	for range file.Profiles { // as many steps as there are profiles, should they form a circle
		next := ""
		for _, p := range file.Profiles {
			switch {
			case p.Name != name:
			case p.Mode == "External":
				return true
			default:
				next = p.Source
			}
		}
		name = next
	}
	return false
}
