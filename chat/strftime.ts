const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/**
 * Python's `strftime` in the C locale, for the directives that templates put today's date in a
 * system message with. Unknown directives stay as they are.
 *
 * @param date Read in local time.
 */
export function strftime(date: Date, format: string): string {
  const day = DAYS[date.getDay()]!;
  const month = MONTHS[date.getMonth()]!;
  const directives: Record<string, string | number> = {
    "%Y": date.getFullYear(),
    "%y": twoDigits(date.getFullYear() % 100),
    "%m": twoDigits(date.getMonth() + 1),
    "%B": month,
    "%b": month.slice(0, 3),
    "%d": twoDigits(date.getDate()),
    "%A": day,
    "%a": day.slice(0, 3),
    "%H": twoDigits(date.getHours()),
    "%I": twoDigits(date.getHours() % 12 || 12),
    "%p": date.getHours() < 12 ? "AM" : "PM",
    "%M": twoDigits(date.getMinutes()),
    "%S": twoDigits(date.getSeconds()),
    "%%": "%",
  };
  return format.replace(/%./g, (directive) => String(directives[directive] ?? directive));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
