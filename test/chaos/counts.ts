/** What the reckoning counts. */

export interface Counts {
  runs: Record<string, number>;
  submissions: {
    /** Intents in our book. */
    prepared: number;
    /** Submissions of which an engine had a job. */
    ran: number;
    /** Beyond the first of their stage or stream: after failures of the platform. */
    resubmitted: number;
    /** Spark drivers and applications that met a taken claim and did nothing. */
    losers: number;
  };
  /** Submissions of which two jobs worked. */
  doubled: number;
  /** Jobs that live at an engine without an open owner. */
  orphans: number;
  /** Runs in a wrong final state or without one, and streams without a job. */
  lost: number;
  /** Jobs that reconcile ended. */
  reaped: number;
}
