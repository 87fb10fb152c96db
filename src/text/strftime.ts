// Dates as Python's strftime writes them in the C locale, for chat templates. The template library's own follows the browser's language,
// and a model that was trained on "26 Jul 2024" should not be told "26 juil. 2024".

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Replaces the directives that a template may want; others stay as they are. A dash, as in `%-d`, leaves out the padding. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([YymdBbAaHIMSpjFT%])/g, (directive, dash: string, letter: string) => {
    const number = (value: number, width: number) => (dash === "" ? String(value).padStart(width, "0") : String(value));
    switch (letter) {
      case "Y":
        return String(date.getFullYear());
      case "y":
        return number(date.getFullYear() % 100, 2);
      case "m":
        return number(date.getMonth() + 1, 2);
      case "d":
        return number(date.getDate(), 2);
      case "B":
        return MONTHS[date.getMonth()] ?? directive;
      case "b":
        return MONTHS[date.getMonth()]?.slice(0, 3) ?? directive;
      case "A":
        return DAYS[date.getDay()] ?? directive;
      case "a":
        return DAYS[date.getDay()]?.slice(0, 3) ?? directive;
      case "H":
        return number(date.getHours(), 2);
      case "I":
        return number(((date.getHours() + 11) % 12) + 1, 2);
      case "M":
        return number(date.getMinutes(), 2);
      case "S":
        return number(date.getSeconds(), 2);
      case "p":
        return date.getHours() < 12 ? "AM" : "PM";
      case "j":
        return number(dayOfYear(date), 3);
      case "F":
        return strftime(date, "%Y-%m-%d");
      case "T":
        return strftime(date, "%H:%M:%S");
      case "%":
        return "%";
      default:
        return directive;
    }
  });
}

function dayOfYear(date: Date): number {
  // In UTC, so that a change to summer time does not shorten a day.
  const midnight = (month: number, day: number) => Date.UTC(date.getFullYear(), month, day);
  return (midnight(date.getMonth(), date.getDate()) - midnight(0, 0)) / 86_400_000;
}
