import { parentPort } from 'node:worker_threads';
import { joinComparison } from '../core/sqldiff/sharedComparison';

parentPort?.on('message', joinComparison);
