/** The errorMessage facet: the same text as the Temporal UI shows, without credentials, naming the check if one failed. */
import { errorMessageRunFacet, type ErrorMessageRunFacet } from 'openlineage-client';
import type { FailureFacts } from './facts.js';
import { redact } from './redact.js';

export function failureFacet(producer: string, failure: FailureFacts): ErrorMessageRunFacet {
  const message = redact(failure.message);
  const named = failure.check === undefined || message.includes(failure.check);
  return errorMessageRunFacet.create(producer, {
    message: named ? message : `check ${failure.check}: ${message}`,
    programmingLanguage: failure.language ?? 'JavaScript',
    stackTrace: failure.stackTrace === undefined ? undefined : redact(failure.stackTrace),
  });
}
