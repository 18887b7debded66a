package tairtest

// The classes of the documented errors; see Errors.
const (
	ClassUnsupported  = "unsupported"  // this kind of instance has no SSL
	ClassNotFound     = "not_found"    // the account has no such instance
	ClassThrottled    = "throttled"    // above a quota; a later retry can succeed
	ClassServer       = "server"       // the service failed; a retry can succeed
	ClassForbidden    = "forbidden"    // the key is valid, but lacks the RAM permission
	ClassUnauthorized = "unauthorized" // the key, the token, the date or the signature is invalid
)

// APIError is an error of the API: an HTTP status and the body {"RequestId","HostId","Code","Message","Recommend"}.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Code is the API's error code, "Throttling.User".
	Code string
	// Message is the text for people. Messages of the fake never contain a key, a token or a signature.
	Message string
	// Class is the meaning of the code, one of the Class constants. It is not sent.
	Class string
}

// Errors returns all documented errors of R-kvstore DescribeInstanceSSL (2015-01-01), of the gateway in front of it and of
// RAM. A code that the cloud sends with several statuses appears once for each.
func Errors() []APIError {
	table := []struct {
		class    string
		statuses []int
		codes    []string
	}{
		{ClassUnsupported, []int{400}, []string{"InvalidRedisVersionPattern", "InstanceType.NotSupport"}},
		{ClassUnsupported, []int{403}, []string{"IncorrectCharacterType", "IncorrectEngineVersion"}},
		{ClassNotFound, []int{404}, []string{"InvalidInstanceId.NotFound", "InvalidDBInstance.NotFound"}},
		{ClassThrottled, []int{400, 429, 503}, []string{"Throttling", "Throttling.User", "Throttling.Api", "Rejected.Throttling"}},
		{ClassServer, []int{500}, []string{"InternalError"}},
		{ClassServer, []int{503}, []string{"ServiceUnavailable"}},
		{ClassServer, []int{400, 409}, []string{"LockTimeout"}},
		{ClassForbidden, []int{403}, []string{"Forbidden", "Forbidden.RAM", "NoPermission"}},
		{ClassUnauthorized, []int{400, 403, 404}, []string{"InvalidAccessKeyId", "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive"}},
		{ClassUnauthorized, []int{400, 403}, []string{
			"SignatureDoesNotMatch", "IncompleteSignature",
			"InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey",
			"InvalidTimeStamp.Expired", "SignatureNonceUsed",
		}},
	}
	var all []APIError
	for _, row := range table {
		for _, status := range row.statuses {
			for _, code := range row.codes {
				all = append(all, APIError{Status: status, Code: code, Message: "The documented error " + code + ".", Class: row.class})
			}
		}
	}
	return all
}

func incompleteSignature(message string) *APIError {
	return &APIError{Status: 400, Code: "IncompleteSignature", Message: message, Class: ClassUnauthorized}
}

func unauthorized(status int, code, message string) *APIError {
	return &APIError{Status: status, Code: code, Message: message, Class: ClassUnauthorized}
}

func invalidParameter(message string) *APIError {
	return &APIError{Status: 400, Code: "InvalidParameter", Message: message}
}

// instanceNotFound is also the error for an instance of another account or region, as in the cloud.
func instanceNotFound() *APIError {
	return &APIError{Status: 404, Code: "InvalidInstanceId.NotFound", Message: "The specified instance does not exist.", Class: ClassNotFound}
}

func actionNotFound() *APIError {
	return &APIError{Status: 404, Code: "InvalidAction.NotFound", Message: "The specified action or version is not found."}
}
