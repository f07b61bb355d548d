// Named things with bars; drawn from props: caption, measure, over_time, rows (name, id, details, number, shown, day).
import { useEffect, useState } from "react"

const FEW = 6

export default function Listing() {
  const { caption, measure, over_time: overTime, rows } = props
  const [all, setAll] = useState(false)
  // Chainlit measures a conversation for scrolling before elements are drawn; at a change of size it does so again.
  useEffect(() => void window.dispatchEvent(new Event("resize")), [])
  const largest = Math.max(0, ...rows.map((row) => row.number ?? 0))
  const shown = all ? rows : rows.slice(0, FEW)
  return (
    <figure className="listing">
      <figcaption>
        <span>{caption}</span>
        {measure && <span className="listing-measure">{measure}</span>}
      </figcaption>
      {overTime && <History rows={rows} measure={measure} largest={largest} />}
      <ol>
        {shown.map((row, place) => (
          <li key={place}>
            <div className="listing-thing">
              <span className="listing-name">{row.name}</span>
              {row.id && <span className="listing-id">ID {row.id}</span>}
              {row.details.length > 0 && (
                <div className="listing-details">
                  {row.details.map(([label, value]) => (
                    <span key={label}>
                      {label && <span className="listing-label">{label}</span>} {value}
                    </span>
                  ))}
                </div>
              )}
            </div>
            {measure && (
              <div className="listing-number">
                <span className="listing-bar" aria-hidden="true">
                  <span style={{ width: `${largest > 0 ? (100 * Math.max(row.number ?? 0, 0)) / largest : 0}%` }} />
                </span>
                <span>
                  <span className="sr-only">{measure} </span>
                  {row.shown || "–"}
                </span>
              </div>
            )}
          </li>
        ))}
      </ol>
      {rows.length > FEW && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      )}
    </figure>
  )
}

function History({ rows, measure, largest }) {
  const inOrder = [...rows].sort((a, b) => a.day.localeCompare(b.day))
  const [first, last] = [inOrder[0].day, inOrder[inOrder.length - 1].day]
  const step = 100 / inOrder.length
  return (
    <div className="listing-history">
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img"
        aria-label={`${measure} from ${first} to ${last}: ${inOrder.map((row) => row.shown).join(", ")}`}>
        {inOrder.map((row, place) => {
          const height = largest > 0 ? (23 * Math.max(row.number, 0)) / largest : 0
          return (
            <rect key={place} x={place * step + step * 0.1} y={24 - height} width={step * 0.8} height={height}>
              <title>{`${row.day}: ${row.name}, ${row.shown}`}</title>
            </rect>
          )
        })}
      </svg>
      <div className="listing-days" aria-hidden="true">
        <span>{first}</span>
        {last !== first && <span>{last}</span>}
      </div>
    </div>
  )
}
