// The gyre: the mark of the app, and, turning, the sign that a reply is on its way. The same path is in public/icons/gyre.svg.
import classes from "./Mark.module.css";

const SPIRAL =
  "M35.1 32.3C35.2 32.5 35.4 33 35.5 33.4 35.5 33.8 35.5 34.3 35.3 34.8 35.2 35.2 34.9 35.7 34.5 36.1 34.1 36.4 33.5 36.8 32.9 36.9 32.3 37.1 31.6 37.2 30.9 37 30.2 36.8 29.4 36.5 28.8 35.9 28.2 35.4 27.7 34.6 27.3 33.8 27 33 26.9 31.9 27 31 27.1 30 27.5 28.9 28.1 28 28.7 27.1 29.7 26.2 30.7 25.7 31.8 25.1 33.1 24.7 34.4 24.7 35.7 24.7 37.2 25.1 38.5 25.7 39.7 26.4 41 27.4 41.8 28.7 42.7 29.9 43.4 31.5 43.6 33.1 43.8 34.8 43.6 36.7 43 38.3 42.4 39.9 41.3 41.6 40 42.9 38.6 44.1 36.7 45.2 34.8 45.7 32.9 46.2 30.6 46.4 28.6 45.9 26.6 45.5 24.3 44.5 22.6 43.1 20.9 41.7 19.3 39.6 18.4 37.5 17.5 35.4 17 32.7 17.2 30.3 17.3 27.8 18.1 25.1 19.5 22.9 20.8 20.7 22.9 18.5 25.2 17.1 27.5 15.7 30.4 14.6 33.3 14.4 36.1 14.2 39.4 14.6 42.1 15.8 44.8 16.9 47.6 18.9 49.6 21.3 51.6 23.7 53.3 26.8 54 30 54.7 33.1 54.7 36.9 53.9 40.1 53.1 43.4 51.3 46.9 49 49.5 46.7 52.1 43.4 54.5 40.1 55.8 36.7 57.1 32.5 57.8 28.8 57.4 25 57.1 20.9 55.7 17.6 53.6";

export function Mark({ size, turning = false }: { readonly size: number; readonly turning?: boolean }) {
  return (
    <svg className={turning ? classes.turning : classes.mark} width={size} height={size} viewBox="7 8 53 53" fill="none" aria-hidden="true">
      <path d={SPIRAL} stroke="currentColor" strokeWidth="4.2" strokeLinecap="round" />
    </svg>
  );
}
