// Work of which only the newest counts: what a slider asks for while it moves.

/**
 * Return a function that runs a task with its newest arguments, one at a time: those that come while
 * it runs replace each other, and the last of them runs next, also after a failure. The call that
 * runs them fails as the last run does.
 * @param {(...given: any[]) => Promise<void>} task
 */
export function latest(task) {
  let waiting = null;
  let isRunning = false;
  return async (...given) => {
    waiting = given;
    if (isRunning) return;
    isRunning = true;
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        try {
          await task(...next);
        } catch (error) {
          if (!waiting) throw error;
        }
      }
    } finally {
      isRunning = false;
    }
  };
}
