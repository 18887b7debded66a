package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"golang.org/x/term"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
	"tair_ssl_exporter/internal/once"
)

// once asks for every instance once, prints what is known then, and returns the exit code.
func (a *app) once(ctx context.Context, stdout, stderr io.Writer, progress *once.Progress) (code int, err error) {
	if err := a.reload(); err != nil {
		return 0, err
	}
	pass, cancel := context.WithTimeout(ctx, a.onceTimeout)
	defer cancel()
	hide := func() {}
	if _, terminal := columns(stderr); terminal {
		hide = progress.Show(a.exporter.Progress)
	}
	a.exporter.Pass(pass)
	hide()
	if pass.Err() == nil {
		defer a.close() // which waits for calls under way; a pass that is cut short does not
	}
	r := a.report(ctx)
	code = r.Code()
	switch {
	case ctx.Err() != nil:
		code = 1
		_ = level.Warn(a.logger).Log("msg", "interrupted; this is what is known")
	case pass.Err() != nil && code == 1:
		_ = level.Warn(a.logger).Log("msg", "the time is up; this is what is known", "timeout", a.onceTimeout)
	}
	if a.onceFormat == formatJSON {
		return code, r.WriteJSON(stdout)
	}
	width, terminal := columns(stdout)
	return code, r.WriteTable(stdout, once.Terminal{
		Columns: width, Colors: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	})
}

// columns returns the width of a terminal, 0 for anything else.
func columns(w io.Writer) (width int, terminal bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width == 0 {
		return 80, true
	}
	return width, true
}

// report returns what is known now.
func (a *app) report(ctx context.Context) *once.Report {
	cfg := a.shown.Load().config
	r := &once.Report{
		Overview: a.exporter.Overview(), Warn: time.Duration(a.onceWarn), Simulated: a.demo,
		RefreshInterval: time.Duration(cfg.RefreshInterval), DiscoveryInterval: time.Duration(cfg.DiscoveryInterval),
	}
	for _, account := range cfg.Accounts {
		r.Credentials = append(r.Credentials, a.describe(ctx, account, a.accounts[account.Name].provider))
	}
	return r
}

// describe returns what may be shown of the credentials of an account. It waits for none that a pass did not obtain.
func (a *app) describe(ctx context.Context, account config.Account, provider creds.Provider) once.Credentials {
	const shown = 4 // characters of a key ID
	c := once.Credentials{Account: account.Name, Type: account.Credentials.Type, From: originOf(account.Credentials)}
	if a.demo {
		c.From = "simulated"
		return c
	}
	now, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("the pass is over"))
	found, err := provider.Credentials(now)
	if err != nil {
		c.Missing = true
		return c
	}
	if account.Credentials.Type == creds.TypeDefault {
		c.From = sourceOf(found.Source)
	}
	if id := found.AccessKeyID; len(id) >= 3*shown {
		c.KeyEnd = id[len(id)-shown:]
	}
	return c
}

// originOf returns where credentials come from, as the configuration says.
func originOf(c creds.Config) string {
	switch {
	case c.RoleName != "":
		return "role " + c.RoleName + " of the ECS instance"
	case c.OIDCTokenFile != "":
		return "from " + c.OIDCTokenFile
	case c.AccessKeyIDFile != "":
		return "from " + c.AccessKeyIDFile
	case c.AccessKeyID != "":
		return "from the configuration file"
	default:
		return ""
	}
}

// sourceOf returns where the default chain has found credentials, by the name that the library has for it.
func sourceOf(name string) string {
	kind, _, _ := strings.Cut(name, "/")
	return "from " + cmp.Or(map[string]string{
		"env":            "the environment (ALIBABA_CLOUD_ACCESS_KEY_ID)",
		"oidc_role_arn":  "RRSA (OIDC)",
		"cli_profile":    "the profile of the aliyun CLI",
		"profile":        "the file ~/.alibabacloud/credentials",
		"ecs_ram_role":   "the role of the ECS instance",
		"credential_uri": "ALIBABA_CLOUD_CREDENTIALS_URI",
	}[kind], fmt.Sprintf("the source %q", kind))
}
