/** Runs a step for each item, at most so many at a time, and gives the results in the order of the items. */
export async function eachBounded<Item, Result>(
  items: readonly Item[],
  atOnceMax: number,
  step: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await step(items[index]);
    }
  };
  // All lanes end before an error is told of: nothing goes on behind the caller's back.
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(atOnceMax, items.length) }, lane));
  const failed = lanes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}
