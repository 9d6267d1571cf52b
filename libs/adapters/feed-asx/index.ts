export { AsxFeed, type AsxFeedOptions, type AsxLoadSummary } from './feed.ts';
export { ASX_REJECTION_REASONS, type AsxFileSummary, type AsxRejectionReason } from './file-parser.ts';
