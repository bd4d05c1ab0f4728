/** All servers of the local stack, those with the longest download or start first. */
import type { Component } from '../types.js';
import { flink } from './flink.js';
import { kafka } from './kafka.js';
import { postgres } from './postgres.js';
import { s3 } from './s3.js';
import { spark } from './spark.js';
import { temporal } from './temporal.js';

export const COMPONENTS: readonly Component[] = [spark, kafka, flink, temporal, postgres, s3];
