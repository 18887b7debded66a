package advice

import (
	"cmp"
	"strings"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
)

// forCredentials returns what to do when no credentials can be obtained.
func forCredentials(failure *tair.Error, code string) string {
	why := cmp.Or(failure.Credentials, &creds.Error{})
	switch why.Class {
	case creds.ClassChain:
		return "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or credentials in the file: no default source has a key."
	case creds.ClassSTS:
		return forSTS(failure.Code, code)
	case creds.ClassDisabled:
		return "Unset ALIBABA_CLOUD_ECS_METADATA_DISABLED, or set another type of credentials."
	case creds.ClassFile:
		return "Make the files that credentials name readable for the user of the exporter."
	case creds.ClassIncomplete, creds.ClassMalformed:
		return "Check the files that credentials name and the answer of " + sourceOf(why.Type) + ": something is missing or has a wrong form."
	case creds.ClassTLS:
		return "Install the CA certificate that " + sourceOf(why.Type) + " uses, or correct its address in credentials."
	case creds.ClassTimeout, creds.ClassNetwork, creds.ClassHTTP:
		return "Check that this host reaches " + sourceOf(why.Type) + ", and that its address or role in credentials is right."
	default:
		return "Check the type of credentials, the trust policy of the role, the OIDC token and the metadata service; the log has the class" + code + "."
	}
}

// forSTS returns what to do about a refusal of the token service.
func forSTS(sts, code string) string {
	switch {
	case strings.Contains(sts, "OIDCToken"), strings.Contains(sts, "IDToken"):
		return "Check oidc_token_file and oidc_provider_arn: the token service refuses the OIDC token" + code + "."
	case strings.HasPrefix(sts, "EntityNotExist"):
		return "Correct role_arn or the ARN of the OIDC provider: it does not exist" + code + "."
	case strings.Contains(sts, "NoPermission"):
		return "Allow sts:AssumeRole (deploy/ram/policy-assume-role.json), and name this identity in the trust policy of the role" + code + "."
	case strings.HasPrefix(sts, "InvalidAccessKeyId"), strings.HasPrefix(sts, "SignatureDoesNotMatch"),
		strings.HasPrefix(sts, "InvalidSecurityToken"), strings.HasPrefix(sts, "InvalidTimeStamp"):
		return forRefusal(&tair.Error{Code: sts}, code)
	case strings.Contains(sts, "Throttling"):
		return "Wait, or raise role_session_expiration: the token service gets too many requests" + code + "."
	default:
		return "Correct role_arn, external_id and role_session_expiration, or the trust policy of the role" + code + "."
	}
}

// sourceOf names where a type of credentials comes from.
func sourceOf(kind string) string {
	switch kind {
	case creds.TypeECSRAMRole:
		return "the metadata service (100.100.100.200)"
	case creds.TypeCredentialsURI:
		return "the url of credentials"
	default:
		return "the token service (sts_endpoint)"
	}
}
