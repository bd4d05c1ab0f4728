/** Typed keys of the search attributes that the namespace must have (all of type Keyword). */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const SluicePipeline = defineSearchAttributeKey('SluicePipeline', SearchAttributeType.KEYWORD);
export const SluicePartition = defineSearchAttributeKey('SluicePartition', SearchAttributeType.KEYWORD);
export const SluiceEngine = defineSearchAttributeKey('SluiceEngine', SearchAttributeType.KEYWORD);
export const SluiceState = defineSearchAttributeKey('SluiceState', SearchAttributeType.KEYWORD);
export const SluiceTrigger = defineSearchAttributeKey('SluiceTrigger', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTE_NAMES = [
  'SluicePipeline',
  'SluicePartition',
  'SluiceEngine',
  'SluiceState',
  'SluiceTrigger',
] as const;
