/** What Litestream needs of the environment: where to find things, how to reach the network, and its keys. */
const wanted =
  /^(?:PATH|HOME|USER|TZ|SSL_CERT_FILE|SSL_CERT_DIR|(?:HTTPS?|NO|ALL)_PROXY|(?:https?|no|all)_proxy|AWS_.+|LITESTREAM_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY))$/

/** Variables whose values are for nobody's eyes. */
const secret = /^(?:AWS_ACCESS_KEY_ID|LITESTREAM_ACCESS_KEY_ID|.*SECRET.*|.*TOKEN)$/

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The environment of Litestream: no secret of the app, and no variable that would change what its configuration says.
 *
 * @param temporary Where it lays down whole copies of the database.
 */
export function litestreamEnvironment(environment: Environment, temporary: string): Record<string, string> {
  const given = Object.entries(environment).filter(([name, value]) => wanted.test(name) && value)
  const { AWS_CA_BUNDLE: bundle, ...rest } = Object.fromEntries(given) as Record<string, string>
  // With it 0.5 ends at once: "unable to add custom RootCAs HTTPClient".
  return { ...rest, ...(bundle !== undefined && { SSL_CERT_FILE: bundle }), TMPDIR: temporary }
}

/** Takes the values of secrets out of a text: some servers repeat in an error what they were sent. */
export function hideSecrets(environment: Environment): (text: string) => string {
  const values = Object.entries(environment)
    .filter(([name, value]) => wanted.test(name) && secret.test(name) && value)
    .map(([, value]) => value!)
  return (text) => values.reduce((hidden, value) => hidden.replaceAll(value, '(secret)'), text)
}
