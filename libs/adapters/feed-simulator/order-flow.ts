import type { VendorData } from '@k2/domain/market';
import type { Sfc32 } from './random.ts';
import type { Universe } from './universe.ts';

export const NO_CONDITIONS: readonly string[] = [];
export const AUCTION_OPEN: readonly string[] = ['AUCTION_OPEN'];
export const AUCTION_CLOSE: readonly string[] = ['AUCTION_CLOSE'];
const CONDITIONS: readonly (readonly string[])[] = [['ODD_LOT'], ['BLOCK'], ['SWEEP'], ['BLOCK', 'CROSS']];
const VENDOR_DATA: readonly VendorData[] = [
  { matching_engine: 'ME1' },
  { matching_engine: 'ME2' },
  { matching_engine: 'ME1', liquidity: 'hidden' },
];
/** Of 64 trades, how many carry conditions, and vendor data. */
const CONDITIONS_OF_64 = 2;
const VENDOR_DATA_OF_64 = 3;
/** An auction trades this many times as much as a usual trade. */
const AUCTION_QUANTITY = 40;
const BUY = 1;
const SELL = 2;

/**
 * Draws what is traded and quoted: a random walk in whole ticks, quotes around it. One draw a tick, left in the fields:
 * an object for each would cost more than the draw. Prices and quantities are whole numbers, scaled by 10^8.
 */
export class OrderFlow {
  price = 0;
  quantity = 0;
  side = 0;
  conditions: readonly string[] = NO_CONDITIONS;
  vendorData: VendorData | null = null;
  bidPrice = 0;
  bidQuantity = 0;
  askPrice = 0;
  askQuantity = 0;
  private readonly random: Sfc32;
  private readonly universe: Universe;
  private readonly midTicks: Float64Array;

  constructor(universe: Universe, random: Sfc32) {
    this.universe = universe;
    this.random = random;
    this.midTicks = universe.startTicks.slice();
  }

  drawTrade(instrument: number): void {
    const bits = this.random.next();
    const mid = this.walk(instrument, bits & 3);
    this.side = (bits & 4) === 0 ? BUY : SELL;
    this.price = (this.side === BUY ? mid + 1 : mid - 1) * this.universe.tickSize[instrument];
    this.quantity = (1 + ((bits >>> 3) & 1_023)) * this.universe.lot[instrument];
    const rare = (bits >>> 13) & 63;
    this.conditions = rare < CONDITIONS_OF_64 ? CONDITIONS[(bits >>> 19) & 3] : NO_CONDITIONS;
    this.vendorData = rare >= 64 - VENDOR_DATA_OF_64 ? VENDOR_DATA[64 - 1 - rare] : null;
  }

  drawAuctionTrade(instrument: number, conditions: readonly string[]): void {
    this.drawTrade(instrument);
    this.side = 0;
    this.quantity *= AUCTION_QUANTITY;
    this.conditions = conditions;
  }

  drawQuote(instrument: number): void {
    const bits = this.random.next();
    const mid = this.walk(instrument, bits & 3);
    const tickSize = this.universe.tickSize[instrument];
    const lot = this.universe.lot[instrument];
    this.bidPrice = (mid - 1 - ((bits >>> 2) & 1)) * tickSize;
    this.askPrice = (mid + 1 + ((bits >>> 3) & 1)) * tickSize;
    this.bidQuantity = (1 + ((bits >>> 4) & 4_095)) * lot;
    this.askQuantity = (1 + ((bits >>> 16) & 4_095)) * lot;
  }

  crossQuote(instrument: number): void {
    this.bidPrice = this.askPrice + 2 * this.universe.tickSize[instrument];
  }

  /** 0 or below, in turn with the last digit of the quantity. */
  spoilPrice(): void {
    this.price = (this.quantity / 100_000_000) % 2 === 0 ? 0 : -this.price;
  }

  /** A tick down, up, or twice of four none; reflected at a quarter and four times the start. */
  private walk(instrument: number, twoBits: number): number {
    const start = this.universe.startTicks[instrument];
    let mid = this.midTicks[instrument];
    if (twoBits === 0 && mid > start / 4) mid--;
    else if (twoBits === 3 && mid < start * 4) mid++;
    this.midTicks[instrument] = mid;
    return mid;
  }
}
