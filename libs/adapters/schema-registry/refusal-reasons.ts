/**
 * What a registry's refusal says is wrong. Confluent's: `…, details: [{errorType:"…", description:"…"}, …]`.
 * Apicurio's: `… list of diff types: [fee at /fields/1, …]`. Of any other the whole text.
 */
export function refusalReasons(message: string): readonly string[] {
  const described = [...message.matchAll(/description:"([^"]*)"/g)].map(([, description]) => description);
  const differences = /list of diff types: \[(.*)\]/s.exec(message)?.[1].split(', ') ?? [];
  const reasons = [...described, ...differences];
  return [...new Set(reasons.length > 0 ? reasons : [message])];
}
