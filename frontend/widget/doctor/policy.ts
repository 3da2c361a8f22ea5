const LATE_MS = 100;

/** The directives of the page's policy that `work` ran into. */
export async function whileWatching(work: () => Promise<void>): Promise<string[]> {
  const broken = new Set<string>();
  const watch = ({ effectiveDirective }: SecurityPolicyViolationEvent) => broken.add(effectiveDirective);
  document.addEventListener("securitypolicyviolation", watch);
  await work();
  await new Promise((done) => setTimeout(done, LATE_MS)); // violations are told a task later
  document.removeEventListener("securitypolicyviolation", watch);
  return [...broken];
}
